"""Tests of `designer`."""
