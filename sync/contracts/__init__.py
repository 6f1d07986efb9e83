"""Compares what the rules expect of portal and tenant with what they offer."""
