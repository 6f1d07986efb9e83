"""What speaks C4C's protocol: wire format, session, fields, and the words of its refusals."""
