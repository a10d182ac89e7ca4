"""Test kit for game teams: a whole server in the test's process, and what to do to it."""
