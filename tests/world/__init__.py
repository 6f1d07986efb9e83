"""The one test world: HubSpot and SAP Sales Cloud as the sandbox models them, and the product beside them.

`sandbox` is the running sandbox and what marketing, sales and bad weather do in it; `tenant` its C4C store behind our
port, without HTTP; `program` the product as an admin runs it. Tests of one area add their own ordinary people and
stories on top.
"""
