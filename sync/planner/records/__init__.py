"""One module for each kind of record: what C4C should hold of it. Pure."""
