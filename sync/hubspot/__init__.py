"""What the HubSpot client is made of: one way out, what refusals mean, and what answers mean."""
