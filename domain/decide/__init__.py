"""Composes the rules: one command against one user's state, in one transaction."""
