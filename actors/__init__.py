"""Users in memory, one message at a time: hosts, how they are reached, and where they run."""
