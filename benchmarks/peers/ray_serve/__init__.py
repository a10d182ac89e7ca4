"""The peer: an actor per user on Ray Serve."""
