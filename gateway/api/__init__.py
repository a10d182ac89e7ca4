"""The HTTP API: routes, endpoints, command validation, media types."""
