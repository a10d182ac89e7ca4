"""The store on a local disk: journals appended and synced, snapshots, the lock."""
