"""Questkeep itself, as its users start it."""
