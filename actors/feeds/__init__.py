"""Feeds: durable changes on their way from hosts to whoever listens in a gateway."""
