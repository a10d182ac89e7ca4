"""Hosts, mailboxes, lanes and user actors."""
