"""What a refusal of SAP Sales Cloud says, what it means, and how much of it may be repeated. Pure."""
