"""The systems that are compared: each a `Peer` that starts, is seeded, measured and stopped."""
