"""Tests of `domain/game`."""
