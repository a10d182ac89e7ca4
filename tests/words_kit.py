"""Words that were given up for the field's own, each with the word that took its place.

Not for what names must not be vague (`architecture_rules.names_say_something`).
"""

import re
from collections.abc import Iterator

from tests.architecture_rules import Breach

RETIRED: dict[str, str] = {
    r"(?:first|further)[ _]gateways?": "primary, worker",
    r"\bLine(?:Cut|Failed)\b|\bAnswerers\b": "PeerGone, RemoteError, Handlers",
    r"(?<![A-Za-z])[lL]anes?(?![a-z0-9])": "channel",
    r"(?<![A-Za-z])parcels?(?![a-z])": "request group",
    r"\bwhereabouts\b": "host address",
    r"\bdoorkeeper|\bkeep_door\b|(?<![A-Za-z])strangers?(?![a-z])": "unauthenticated connection",
    r"\blent hosts?\b|\blent_hosts\b|\blender\b": "remote hosts",
    r"(?<![A-Za-z])[rR]esidents?(?![a-z]|_bytes|_memory)": "activation",
    r"(?<![A-Za-z])[sS]leepers?(?![a-z])": "hibernated user",
    r"\blet_sleep\b|\blet_go\b|\bput_to_sleep\b": "hibernate, evict",
    r"\bhosting\b": "host actor",
    r"\bown_thread\b": "SerialExecutor",
    r"\bputting.back\b": "overwrite",
    r"\bgateway[./]crowd\b|\bcome_back_after_ms\b": "Retry-After spreader",
    r"\bgateway[./]wire\b|\bgateway[./]words\b": "gateway/api/media, gateway/schema_text",
    r"\bcommand_bodies\b": "commands.validation",
    r"\b(?:shown|served)_rules\b|\brules_page\b": "rules_endpoint, rules_reload",
    r"\brules_(?:shown|curves|pictures|changes|files)\b": "modules of designer/rules",
    r"\bready.block\b": "startup banner",
    r"\bnewcomers?\b": "new connection",
    r"\bopenapi_older\b|in older words": "openapi_3_0",
    r"\bof_the_past\b": "without_gauges",
    r"\bset_stage\b|\bScene\b": "compiled story, chapter script",
    r"\bTally\b|\brehears": "totals, calibrate",
    r"\bOccasion\b|\bhas a say\b": "ModifierContext, applies",
    r"\b(?:tallies|shaping)\b": "defeat counts, XP modifiers",
    r"\bteeth\b": "mutants",
    r"\bArena\b|\barena\b|\bbury\b": "system under test, reap",
    r"(?<![A-Za-z])accounts?(?![a-z]|_pages)": "history",
    r"\bray_cluster\b|\blocal_cluster\b|\bsocket_lane\b": "ray_runtime, local, socket_channel",
    r"never half-believed|turned away quickly": "the promise, in plain words",
}
_COMPILED = [(re.compile(pattern), instead) for pattern, instead in RETIRED.items()]


def retired_words(path: str, text: str) -> Iterator[Breach]:
    """Every line of a file that has a retired word."""
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, instead in _COMPILED:
            if (found := pattern.search(line)) is not None:
                yield Breach(path, number, f"`{found[0]}` is retired: {instead}.")
