"""Charts for a terminal and figures for a file."""
