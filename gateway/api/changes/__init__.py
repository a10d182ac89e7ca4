"""Changes for clients: the frames that tell of them, and what waits for one."""
