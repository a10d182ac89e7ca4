"""Commands over HTTP: bodies read and checked, carried out, and answered in their places."""
