"""Turns a row of C4C into a record. Pure."""

from sync.c4c import odata
from sync.c4c.odata import Row
from sync.planner.snapshot import Record


def record_of(entity: str, row: Row) -> Record:
    """The row without OData's own entries; the version is its ETag."""
    fields = {name: value for name, value in row.items() if not name.startswith("__")}
    return Record(entity, str(row["ObjectID"]), fields, odata.etag(row))
