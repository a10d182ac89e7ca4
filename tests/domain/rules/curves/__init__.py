"""Tests of `domain/rules/curves`."""
