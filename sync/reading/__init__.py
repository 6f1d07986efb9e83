"""HubSpot → mirror: windows of changes, associations, what is gone, and the budget of requests."""
