"""Conformance kits: one per contract, run against every implementation of it."""
