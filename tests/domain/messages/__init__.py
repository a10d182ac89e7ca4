"""Tests of `domain/messages`."""
