"""`python -m gateway` is `questkeep`, as it always was; `python -m cli` is the same."""

from cli.main import main

if __name__ == "__main__":
    main()
