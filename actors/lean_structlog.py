"""structlog as hosts need it: without rich, which it takes for tracebacks wherever it finds it.

In the process of one user rich is 4 MB and a fifth of a second, for tracebacks that are plain here.
Imported before anything else of `actors`; a process that has rich already keeps it.

Not for: what the log looks like (`gateway.server.output.logs`, `actors.logs.host_log`).
"""

import sys

if "rich" not in sys.modules and "structlog" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # as if it were not installed
    import structlog  # noqa: F401

    del sys.modules["rich"]
