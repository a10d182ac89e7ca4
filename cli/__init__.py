"""The command line: operators' and designers' commands, as thin as they can be."""
