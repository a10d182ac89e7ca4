"""Stored bytes: records, snapshots, history pages and their versions."""
