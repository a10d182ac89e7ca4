"""Tables of cases for the rules: what every command does, row by row."""
