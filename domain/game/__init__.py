"""The rules of play, each without knowledge of the others where the seeds want it."""
