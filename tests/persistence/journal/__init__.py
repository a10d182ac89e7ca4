"""Tests of `persistence/journal`."""
