"""Tests of docs/operations.md: its commands, its proxies' lines, and the lines that wake people."""
