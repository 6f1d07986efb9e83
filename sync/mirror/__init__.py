"""Our copy of what HubSpot last showed, and the contacts that must be looked at because their copy really changed."""
