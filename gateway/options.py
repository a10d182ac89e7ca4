"""Every setting's name and what it does, in one line each: for `--help`, `settings` and the docs.

A setting `some_name` is the flag `--some-name`, the environment variable `QUESTKEEP_SOME_NAME` and
the key `some_name` in the settings file.

Not for: types, defaults and checks (`settings`).  This module stays free of imports, so that the
command line starts fast.
"""

ENVIRONMENT_PREFIX = "QUESTKEEP_"
SETTINGS_FILE = "questkeep.toml"
LIST_MAX = 100
"""Most commands in one body.  `receipt_window` is never smaller, so a list can be sent again."""
BATCH_MAX = 1_000
"""Most commands of many users in one body."""

OPTIONS: dict[str, str] = {
    "host": "Address to listen on; anything but loopback needs a secret or keys of your own.",
    "port": "Port to listen on; 0 takes a free one.",
    "store": "file:///folder, s3:// gs:// az://bucket/prefix, or memory:// (nothing is kept).",
    "file_store": "Who has a file:// store: local (this machine) or shared (all of Ray's nodes).",
    "placement": "Where users live: dedicated (one process each), packed (some for all), local.",
    "hosts": "Hosts that share all users when packed; 0 works it out from the CPUs.",
    "gateways": "Gateway processes that answer on the port; more than one needs packed placement.",
    "rules": "Rules file (TOML) or a preset's name; without one, the preset named default.",
    "ray": "Ray cluster: local (a new one), auto (the one running here, else a new one), address.",
    "jwt_secret": "Secret that tokens are signed with (HS256), 32 bytes or more.",
    "jwt_secret_file": "File that holds this secret: it then stands in no environment.",
    "jwks": "JWKS file or https:// URL with the public keys of your identity provider.",
    "jwt_algorithms": "Algorithms accepted: HS256, or some of RS256,ES256,EdDSA with jwks.",
    "users_max": "Most users active at once; 0 works it out from this machine's memory.",
    "idle_seconds": "A user without commands for this long leaves memory.",
    "receipt_window": "Newest commands of a user that a retry is recognised among.",
    "mailbox_depth_max": "Unanswered messages one user may have.",
    "snapshot_every": "A user's snapshot is written after this many changes at the latest.",
    "items_max": "Most item stacks one user may own.",
    "currencies_max": "Most currencies one user may own.",
    "npcs_max": "Most NPCs that one user has an affinity with.",
    "chapters_max": "Most chapters one user may have plans of.",
    "quests_max": "Most quests one user may have, settled ones among them.",
    "open_quests_max": "Most quests one user may have that were not turned in or abandoned.",
    "open_objectives_max": "Most objectives of one user's open quests together.",
    "battles_max": "Most battles one user may have, finished ones among them.",
    "open_battles_max": "Most battles one user may have that are not over.",
    "body_bytes_max": "Largest request body.",
    "requests_in_flight_max": "Requests answered at once by all gateways; more are told to wait.",
    "address_rate_max": "Requests a second from one address; 0 is no limit.",
    "address_connections_max": "Connections from one address; 0 is no limit.",
    "live_connections_max": "Live connections of one gateway; more are told to wait.",
    "allow_origins": "Origins whose pages may call from a browser, with commas; * is any.",
    "player_rate_max": "Requests a second of one player; 0 is no limit.",
    "service_rate_max": "Requests a second of one service; 0 is no limit.",
    "ask_timeout_seconds": "How long a user's actor may take to answer.",
    "drain_seconds": "How long a stop waits for what was accepted.",
    "log_level": "Least severe events logged: debug, info, warning, error.",
    "log_format": "How they are written: console or json.",
}

GROUPS: dict[str, tuple[str, ...]] = {
    "Where it listens": ("host", "port", "gateways"),
    "What it keeps": ("store", "file_store", "snapshot_every", "receipt_window"),
    "Who may call": (
        "jwt_secret",
        "jwt_secret_file",
        "jwks",
        "jwt_algorithms",
        "allow_origins",
    ),
    "What is played": ("rules",),
    "Where users live": ("placement", "hosts", "ray", "users_max", "idle_seconds"),
    "What one user may own": (
        "items_max",
        "currencies_max",
        "npcs_max",
        "chapters_max",
        "quests_max",
        "open_quests_max",
        "open_objectives_max",
        "battles_max",
        "open_battles_max",
    ),
    "How much at once": ("body_bytes_max", "requests_in_flight_max", "mailbox_depth_max"),
    "How often": (
        "address_rate_max",
        "address_connections_max",
        "live_connections_max",
        "player_rate_max",
        "service_rate_max",
    ),
    "How long": ("ask_timeout_seconds", "drain_seconds"),
    "What it logs": ("log_level", "log_format"),
}
"""Every setting, in the groups in which `questkeep settings` shows them."""

SECRETS = frozenset({"jwt_secret"})
"""Never a flag, since other users of the machine can see flags; never shown."""


_FLAGS = {"allow_origins": "--allow-origin"}
"""Those that people would spell otherwise."""


def flag(name: str) -> str:
    """The setting's flag."""
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


def variable(name: str) -> str:
    """The setting's environment variable."""
    return ENVIRONMENT_PREFIX + name.upper()
