"""The peer: Cloudflare Durable Objects on workerd."""
