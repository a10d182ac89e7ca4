"""What a server prints and logs: events, the startup banner, output that never fails."""
