"""The application of one gateway, put together: the same in every process that answers on the port.

Not for: the parts (`gateway.api`, `gateway.live`).
"""

from actors.cluster.contract import UserDirectory
from gateway.api.admission import Limits
from gateway.api.app import App
from gateway.api.commands.endpoints import CommandEndpoints
from gateway.api.cross_origin import CrossOrigin
from gateway.api.rules_endpoint import RulesEndpoint
from gateway.auth.authenticator import Authenticator, Keys
from gateway.live.commands import CommandServices
from gateway.live.connections import LiveConnections
from gateway.live.endpoint import LiveEndpoint
from gateway.live.live_routes import live_routes
from gateway.play.routes import PlayEndpoints, play_routes
from gateway.settings import Settings


def make_app(
    settings: Settings,
    keys: Keys,
    directory: UserDirectory,
    rules: RulesEndpoint,
    development_secret: bytes | None = None,
) -> App:
    """The application of one gateway; with a development secret it has a page to play on."""
    # Each gateway takes its share of what the machine may.
    in_flight_max = -(-settings.requests_in_flight_max // settings.gateways)
    authenticator = Authenticator(keys, settings.jwt_algorithms)
    limits = Limits(
        settings.body_bytes_max,
        in_flight_max,
        settings.address_rate_max,
        settings.player_rate_max,
        settings.service_rate_max,
    )
    cross_origin = CrossOrigin(settings.allow_origins or ())
    app = App(directory, authenticator, rules, limits, cross_origin)
    services = CommandServices(
        app.users, app.metrics, app.admission.too_often, app.admission.counted
    )
    connections = LiveConnections(
        directory,
        services,
        app.admission.bearer,
        lambda: rules.rules.fingerprint,
        connections_max=settings.live_connections_max,
        receipts=settings.receipt_window,
    )
    endpoint = LiveEndpoint(connections, app.admission.admit, cross_origin)
    routes = live_routes(endpoint)
    if development_secret is not None:
        commands = CommandEndpoints(app.users, app.metrics, settings.body_bytes_max)
        routes += play_routes(PlayEndpoints(development_secret, commands))
    app.extend(routes, connections.drain)
    app.metrics.live = connections.counts
    return app
