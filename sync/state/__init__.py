"""The state store: a local SQLite file that remembers the mirror, the links and what is in flight."""
