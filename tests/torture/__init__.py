"""Hosts killed, paused, raced and starved under load, and an auditor that compares."""
