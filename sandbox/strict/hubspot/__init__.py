"""The rules of HubSpot's CRM API: paths by version, query parameters, request bodies by their published schemas."""
