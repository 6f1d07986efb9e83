"""What a test may turn on this portal."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Settings:
    """Doubts that no public source settles are switches here, so that a client can be tried both ways."""

    index_lag_seconds: float = 0
    score_moves_timestamp: bool = True
    rate_limits: bool = True
    search_per_second: int = 5
    burst_per_10s: int = 190
    daily_limit: int = 625_000
    retry_after: bool | str = True
    id_sort: str = "numeric"
    index_shuffle: bool = False
    association_page_size: int = 500
    portal_id: int = 145_000_001
    unknown_property: str = "left_out"  # in a read that lists it; or "refused" (400), or "null": that is not settled

    def patch(self, changes: dict[str, Any]) -> None:
        known = {field.name for field in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
