"""The peer: servers that do nothing, as an upper limit."""
