"""Tests of `domain/state`."""
