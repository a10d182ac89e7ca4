"""One user: the actor with its rows and turns, and what its replies and reads look like."""
