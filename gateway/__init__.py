"""Strangers' bytes in, replies out: HTTP, live connections, the command line."""
