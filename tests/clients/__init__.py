"""Clients against the conformance kit, and against a real server."""
