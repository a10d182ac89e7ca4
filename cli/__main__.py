"""`python -m cli` is `questkeep`, started on this installation's own packages."""

import os
import sys

# `-m` has put the current folder first, and what lies there must not decide which code runs.
if not sys.flags.safe_path:
    del sys.path[0]
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from questkeep_launcher import main

del sys.path[0]

if __name__ == "__main__":
    main()
