"""What the rules expect of portal and tenant, and whether it is there."""
