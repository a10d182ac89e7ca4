"""Tests of `persistence/objects`."""
