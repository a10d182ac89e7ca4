"""Hosts, mailboxes, channels and user actors."""
