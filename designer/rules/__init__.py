"""Rules files: load, tabulate, chart, compare."""
