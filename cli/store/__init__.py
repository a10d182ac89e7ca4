"""`questkeep store …`: inspect, verify, export, import, backup, restore, delete."""
