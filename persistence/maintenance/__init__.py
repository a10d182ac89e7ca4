"""Operators' tools on a store: backup, export, verification, deletion."""
