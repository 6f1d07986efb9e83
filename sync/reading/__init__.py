"""HubSpot → mirror: windows of changes, associations, deletions, and the budget of requests."""
