"""Tests of `persistence/disk`."""
