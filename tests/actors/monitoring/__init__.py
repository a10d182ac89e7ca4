"""Real Ray: few tests, real processes."""
