"""`python -m gateway` is `questkeep`, as it always was; `python -m cli` is the same."""

import os
import runpy

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

if __name__ == "__main__":
    runpy.run_path(os.path.join(ROOT, "cli", "__main__.py"), run_name="__main__")
