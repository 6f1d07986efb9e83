"""Speaks C4C's protocol: wire format, session, fields, and the texts of its refusals."""
