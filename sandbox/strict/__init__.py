"""Another door before the same two stores: it reads each request by the standards and by nothing else.

`http` holds the standards (RFC 9112, 9110, 3986, 8259, 2046), `c4c` and `hubspot` the two vendors' own rules. A request
that breaks one is refused and recorded; all others go on to the ordinary door.
"""
