"""Tests of `persistence/codec`."""
