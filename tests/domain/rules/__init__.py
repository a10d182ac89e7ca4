"""Tests of `domain/rules`."""
