"""What the process of a host imports: each package is memory and time of every user's process."""

import subprocess
import sys

MAY_IMPORT = frozenset(
    "actors annotated_types domain msgpack msgspec persistence pydantic pydantic_core structlog"
    " typing_extensions typing_inspection zstandard".split()
)

# structlog looks for it, and what browsers are driven with in tests has brought it.
MAY_IMPORT |= {"greenlet"}

SCRIPT = """
import sys
before = set(sys.modules)
import asyncio
import actors.cluster.host_actor
from actors.host.host import Host
from actors.host.settings import HostSettings
from actors.messages import Ask, Media
from domain.messages.commands import canonical, command_adapter, read_canonical
from domain.rules.load import preset_text
from persistence.open import open_store

async def one_turn():
    settings = HostSettings("memory://imports", preset_text())
    store = open_store(settings.store_url)
    host = Host("user:u", store, settings, now=lambda: 1, on_fenced=lambda: None)
    kind = "grant_player_progression_experience"
    content = b"\\x83\\xa6amount\\x01\\xaacommand_id\\xa1c\\xa4type\\xd9#" + kind.encode()
    (reply,) = await host.ask([Ask("u", "c", kind, content, Media.MSGPACK)])
    assert reply.code == "", reply
    await host.drain()

asyncio.run(one_turn())
assert not command_adapter.pydantic_complete, "commands are checked by gateways"
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(name for name in names if name not in sys.stdlib_module_names))
"""


def test_a_host_s_process_imports_what_it_needs_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    imported = {name for name in done.stdout.split() if not name.startswith(("_", "cython"))}
    assert sorted(imported - MAY_IMPORT) == [], "what a host must not import, or may from now on"
    assert "structlog" in imported
