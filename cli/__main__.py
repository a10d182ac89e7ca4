"""`python -m cli` is `questkeep`."""

from cli.main import main

main()
