"""The peer: FastAPI over Redis."""
