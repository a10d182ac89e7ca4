"""A host's collector looks at new objects only; their cycles are collected all the same."""

import subprocess
import sys

SCRIPT = """
import gc, weakref
from actors.gc_tuning import NEW_OBJECTS_OF_A_HOST, collect_new_objects_only

class Node:
    pass

collect_new_objects_only()
examined = []
gc.callbacks.append(
    lambda phase, info: examined.append(len(gc.get_objects())) if phase == "start" else None
)
users = [[number] for number in range(100 * NEW_OBJECTS_OF_A_HOST)]
assert max(examined) <= 25 * NEW_OBJECTS_OF_A_HOST, max(examined)
assert gc.get_freeze_count() >= 70 * NEW_OBJECTS_OF_A_HOST
node = Node()
node.itself = node
gone = weakref.ref(node)
del node
more = [[number] for number in range(2 * NEW_OBJECTS_OF_A_HOST)]
assert gone() is None
"""


def test_users_who_stay_are_not_looked_at_again_and_new_cycles_are_collected() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
