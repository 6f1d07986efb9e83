"""C4C's names for the kinds of records. Pure."""


def collection(entity: str) -> str:
    """The name of the entity set."""
    return f"{entity}Collection"


def entity_of(collection: str) -> str:
    """The kind of the records in an entity set."""
    return collection.removesuffix("Collection")
