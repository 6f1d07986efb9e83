"""Refusals of SAP Sales Cloud: what they say, what they mean, and how much of them may be shown. Pure."""
