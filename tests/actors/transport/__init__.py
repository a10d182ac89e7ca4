"""The ways to a packed host, on both event loops: hosts and gateways run on uvloop."""
