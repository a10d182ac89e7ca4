"""The peer: FastAPI over PostgreSQL."""
