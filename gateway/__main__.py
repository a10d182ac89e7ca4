"""`python -m gateway` is `questkeep`."""

from gateway.cli import main

main()
