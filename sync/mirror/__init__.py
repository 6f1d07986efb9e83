"""Our copy of HubSpot as last read, and which contacts must be looked at because it really changed."""
