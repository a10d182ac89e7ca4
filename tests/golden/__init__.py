"""Bytes that Questkeep once wrote and reads for ever (P9)."""
