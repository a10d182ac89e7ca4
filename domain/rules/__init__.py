"""Rules files: read, checked, compiled."""
