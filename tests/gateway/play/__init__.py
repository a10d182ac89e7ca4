"""The page at `/play`: its paths, its files, and the page itself in a browser."""
