"""Setting up: what peers run on, their processes, and the machine."""
