"""Frames, group commit and recovery, for every store."""
