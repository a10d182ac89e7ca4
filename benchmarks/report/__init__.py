"""Reports: tables, JSON and pictures of what was measured."""
