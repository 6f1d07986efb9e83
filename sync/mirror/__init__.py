"""What HubSpot said last, and who must be looked at because it really changed."""
