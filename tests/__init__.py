"""Questkeep's tests. Shared test code is imported in full, as in `from tests.kit import …`."""
