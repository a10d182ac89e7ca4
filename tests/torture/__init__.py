"""Fault injection in the manner of Jepsen: nemeses kill, pause and starve hosts under load."""
