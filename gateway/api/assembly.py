"""The parts of a gateway put together: the same way in every process that answers on the port.

Not for: starting and stopping (`serve`, `further`).
"""

from actors.cluster.contract import Cluster
from gateway.api.app import App, Limits
from gateway.api.rules_endpoint import ShownRules
from gateway.auth.authenticator import Authenticator, Keys
from gateway.settings import Settings


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
