"""The state store: a local SQLite file with the mirror, the links, and the writes in flight."""
