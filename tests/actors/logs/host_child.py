"""A process that logs as a host does.

Started as `python -m tests.actors.logs.host_child LEVEL SOCKET FLOOD`, `-` being none; FLOOD is how
many long events come first.
"""

import logging
import sys

import structlog

from actors.logs.host_log import HostLog

log = structlog.get_logger("a host")

if __name__ == "__main__":
    level, path, flood = sys.argv[1:]
    host_log = HostLog("users:7", level, None if path == "-" else path)
    for _ in range(int(flood)):
        log.error("flood", reason="x" * 8_000)
    log.debug("too little")
    log.info("recovered", users=3)
    try:
        raise ValueError("a bug")
    except ValueError:
        log.exception("failed", reason="x" * 100_000)
    logging.getLogger("asyncio").error("never retrieved")
    with host_log.collected() as collected:
        log.warning("draining")
    print(len(collected))
    log.warning("last words")
