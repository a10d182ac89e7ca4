"""What runs, starts and stops: the primary, its workers, logs, rules reload."""
