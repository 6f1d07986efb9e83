"""What the state store does for the erasure of a person: tombstones, the steps of an erasure, clean pages."""
