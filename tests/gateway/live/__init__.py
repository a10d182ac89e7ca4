"""Live connections, over real sockets of a gateway in this process."""
