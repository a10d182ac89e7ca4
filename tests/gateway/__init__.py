"""The gateway: what strangers send, what they get back, and the command line."""
