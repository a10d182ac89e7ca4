"""One command against one user's state, in one transaction over the rules of play."""
