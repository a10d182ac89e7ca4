"""What a server sees of its cluster: hosts, nodes and Ray's head; who is away, and since when."""
