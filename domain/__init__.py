"""What the game means: rows, rules and commands.  Pure; imports none of the other packages."""
