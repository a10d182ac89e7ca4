"""The users that a benchmark begins with."""
