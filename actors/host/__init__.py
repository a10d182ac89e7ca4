"""One process's users: dispatch, activations, the host's journal."""
