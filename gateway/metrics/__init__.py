"""Counters, and how Prometheus reads them."""
