"""Tests of `persistence/maintenance`."""
