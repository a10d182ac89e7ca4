"""What the journals of all stores share: frames, group commit, recovery."""
