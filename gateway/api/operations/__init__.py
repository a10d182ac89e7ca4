"""What those ask who run the server: how its cluster is."""
