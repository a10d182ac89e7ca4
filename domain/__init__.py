"""What the game means: rows, rules and commands.  Pure; imports nothing of the layers above."""
