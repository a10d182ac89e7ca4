"""Playing a story with made-up players through the real rules, before real ones do.

Not for: what the rules are (`domain`), or the command line (`cli.simulate`).
"""
