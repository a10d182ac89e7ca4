"""`questkeep cluster` and `questkeep user`: a running cluster looked at, and its file checked."""
