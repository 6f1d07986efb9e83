"""JSON in ASCII, as HubSpot may write it: half a surrogate pair, which UTF-8 cannot carry, goes out as an escape."""

from __future__ import annotations

import json
from typing import Any

from starlette import responses


class JSONResponse(responses.JSONResponse):
    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
