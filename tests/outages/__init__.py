"""Real processes that are killed, and clients who lose nothing by it."""
