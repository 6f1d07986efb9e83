"""The parts of the HubSpot client: sending requests, and the meaning of refusals and answers."""
