"""The tick store: recorded events in immutable files, read by window (docs/tick-store.md)."""
