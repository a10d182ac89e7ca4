"""The startup banner: where the server is, what it keeps, and a line to try it.

Plain text when nobody is watching; the line to paste is never broken or framed.

Not for: events (`logs`).
"""

from rich.console import Console
from rich.text import Text

from domain.rules.compiled_rules import Rules
from gateway.auth.authenticator import Role
from gateway.auth.tokens import Signing, mint
from gateway.server.preflight import Checked
from gateway.settings import Settings

TRY_HOURS = 30 * 24.0
_LEVELS_TO_GAIN = 9


def print_banner(console: Console, checked: Checked, capacity: str) -> None:
    """Say that the server is ready; `capacity` is a phrase on how many users fit."""
    url, settings, signing, rules = (
        checked.address.url,
        checked.settings,
        checked.signing,
        checked.rules,
    )
    console.print()
    console.print(Text.assemble(("Questkeep is ready", "bold green"), f" at {url}"))
    lines = [
        *([("play", f"{url}/play")] if signing.development else []),
        ("docs", f"{url}/docs"),
        ("placement", capacity),
        ("gateways", _gateways(settings)),
        ("store", settings.store),
        ("rules", f"{rules.name}, levels 1 to {rules.level_cap}"),
        ("tokens", _tokens(settings, signing)),
        ("log", _log(settings)),
    ]
    for name, value in lines:
        line = Text.assemble(f"  {name:<11}", value)
        console.print(line, highlight=False)
    if settings.store.startswith("memory:"):
        warning = "NOTHING IS KEPT: with memory:// every user is gone when this server stops."
        console.print(Text(f"\n  {warning}", "bold red"))
    if signing.development and signing.secret is not None:
        token = mint(signing.secret, "try-it", Role.SERVICE, TRY_HOURS)
        console.print("\nPaste this to see player alice gain levels (again and again):\n")
        console.print(Text(try_it(url, token, rules)), highlight=False)
    console.print("\nCtrl-C stops it cleanly.")


def try_it(url: str, token: str, rules: Rules) -> str:
    """One line for a shell: a service offers alice a quest and hands it in for her.

    The clock gives the quest a new id at every paste, and the reward is what the first levels cost,
    so that each paste raises her level (until they cost more).
    """
    reached = rules.levels[min(_LEVELS_TO_GAIN, rules.level_cap - 1)]
    offer = (
        """{"type":"offer_quest","command_id":"offer-'$q'","quest_id":"'$q'","""
        f""""reward":{{"experience":{reached.cumulative_xp},"items":{{"silver-sword":1}}}}}}"""
    )
    turn_in = """{"type":"turn_in_quest","command_id":"turn-in-'$q'","quest_id":"'$q'"}"""
    return (
        f"q=$(date +%s%N); curl -sSw '\\n' {url}/v1/users/alice/commands "
        f"-H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' "
        f"-d '[{offer},{turn_in}]'"
    )


def _gateways(settings: Settings) -> str:
    if settings.gateways == 1:
        return "1 process answers"
    return f"{settings.gateways} processes answer on this port"


def _tokens(settings: Settings, signing: Signing) -> str:
    if signing.secret is None:
        return f"signed by your identity provider, checked with {settings.jwks}"
    kind = "with the development secret" if signing.development else "with jwt_secret"
    return f"signed {kind}; `questkeep token --user alice` prints one"


def _log(settings: Settings) -> str:
    more = "" if settings.log_level == "debug" else "; --log-level debug shows every request"
    return f"on stderr, {settings.log_level} and above{more}"
