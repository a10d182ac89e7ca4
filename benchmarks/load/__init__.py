"""Load: clients of every kind, what they saw, and what servers used meanwhile."""
