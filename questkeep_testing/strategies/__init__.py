"""Hypothesis strategies for a game team's own property tests."""
