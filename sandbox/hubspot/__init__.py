"""Stand-in for the HubSpot CRM API: the store, its search index with lag, the HTTP routes and their control."""
