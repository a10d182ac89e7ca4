"""Tests of `domain/decide`."""
