"""What C4C should hold of each kind of record. Pure."""
