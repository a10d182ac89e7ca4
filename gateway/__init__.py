"""Untrusted bytes in, replies out: HTTP, tokens, the API, metrics, and the server's processes."""
