"""The parts of a gateway put together: the same way in every process that answers on the port.

Not for: starting and stopping (`serve`, `further`).
"""

from actors.cluster import Cluster
from gateway.app import App, Limits
from gateway.auth import Authenticator, Keys
from gateway.settings import Settings
from gateway.shown_rules import ShownRules


def make_app(settings: Settings, keys: Keys, cluster: Cluster, rules: ShownRules) -> App:
    """The application of one gateway."""
    return App(
        cluster,
        Authenticator(keys, settings.jwt_algorithms),
        rules,
        Limits(settings.body_bytes_max, room_of_each(settings)),
    )


def room_of_each(settings: Settings) -> int:
    """How many requests one gateway answers at once: its share of what the machine may."""
    return -(-settings.requests_in_flight_max // settings.gateways)
