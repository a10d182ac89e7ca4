"""Live connections: WebSockets that show users as they change, and take commands."""
