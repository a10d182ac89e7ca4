"""Stand-ins for `os` under the disk store: one fails at the n-th call, one remembers every call.

Not for: judging what is left on disk (`test_disk_faults`, `test_power_loss`).
"""

import errno
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from persistence.disk import files, journals, stream

CHANGING = ("open", "write", "fdatasync", "fsync", "link", "unlink", "rename", "mkdir", "rmdir")


class StandIn:
    """Passes everything on to `os`; subclasses come between in `before` and `after`."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CHANGING:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            self.before(name, *args)
            self.calls[name] += 1
            result = real(*args, **kwargs)
            self.after(name, result, *args)
            return result

        return call

    def before(self, name: str, *args: Any) -> None: ...

    def after(self, name: str, result: Any, *args: Any) -> None: ...

    def install(self, patch: pytest.MonkeyPatch) -> None:
        for module in (files, journals, stream):
            patch.setattr(module, "os", self)


class FailingOs(StandIn):
    """Fails the `at`-th changing call, or the `at`-th of one name; a failing write writes half."""

    def __init__(self, at: int, name: str | None = None, code: int = errno.EIO) -> None:
        super().__init__()
        self._left = at
        self._name = name
        self._code = code
        self.failed: str | None = None

    def before(self, name: str, *args: Any) -> None:
        if self._name not in (None, name) or self.failed is not None:
            return
        self._left -= 1
        if self._left == 0:
            self.failed = name
            if name == "write":
                os.write(args[0], args[1][: len(args[1]) // 2])
            raise OSError(self._code, os.strerror(self._code))


class RecordingOs(StandIn):
    """Remembers what changed the tree under `root`, in order, for `power_loss`."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._paths: dict[int, Path] = {}
        self._lock = threading.Lock()
        self._existed = False
        self.log: list[tuple[Any, ...]] = []

    def before(self, name: str, *args: Any) -> None:
        if name == "open":
            self._existed = os.path.lexists(args[0])

    def after(self, name: str, result: Any, *args: Any) -> None:
        with self._lock:
            self.log.extend(self._changes(name, result, *args))

    def _changes(self, name: str, result: Any, *args: Any) -> Iterator[tuple[Any, ...]]:
        if name == "open":
            self._paths[result] = Path(args[0])
            if not self._existed:
                yield ("create", Path(args[0]), os.fstat(result).st_ino)
        elif name == "write":
            yield ("write", os.fstat(args[0]).st_ino, bytes(args[1][:result]))
        elif name in ("fsync", "fdatasync"):
            path = self._paths[args[0]]
            yield (
                ("sync folder", path)
                if path.is_dir()
                else (
                    "sync",
                    os.fstat(args[0]).st_ino,
                )
            )
        else:
            yield (name, *(Path(arg) for arg in args if not isinstance(arg, int)))
