"""Slots: which host has which users, as it changes while they are served."""
