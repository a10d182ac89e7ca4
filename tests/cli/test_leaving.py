"""A command leaves Python standing once the object store's client is loaded."""

import subprocess
import sys

import pytest

LEAVING = """
import atexit, os, sys, types
import cli.main

class Kept:
    def __del__(self, write=os.write):
        write(1, b"Python went down\\n")

kept = Kept()
atexit.register(lambda: print("tidied up"))
if sys.argv.pop(1) == "with":
    sys.modules["obstore"] = types.ModuleType("obstore")
cli.main.main()
"""


@pytest.mark.parametrize(("client", "goes_down"), [("with", False), ("without", True)])
@pytest.mark.parametrize(("argument", "code"), [("version", 0), ("nonsense", 2)])
def test_what_was_registered_is_done_and_the_code_kept(
    client: str, goes_down: bool, argument: str, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAVING, client, argument], capture_output=True, text=True
    )
    assert done.returncode == code
    assert "tidied up\n" in done.stdout
    assert ("Python went down\n" in done.stdout) is goes_down
    assert (done.stderr == "") is (code == 0)
