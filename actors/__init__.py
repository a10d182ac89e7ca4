"""Users in memory, one message at a time: hosts, how they are reached, and where they run."""

import actors.lean_structlog  # noqa: F401 - before anybody else imports structlog
