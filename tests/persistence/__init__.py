"""Frames, disks, crashes, power loss and group commit."""
