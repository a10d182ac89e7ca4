"""From decided changes to safe bytes and back: stores, journals, snapshots, operators' tools."""
