"""A stand-in for SAP Sales Cloud (C4C) OData v2, with the traits that break naive clients."""

USERNAME = "SANDBOX"
PASSWORD = "sandbox-c4c-password"
ROOT = "/sap/c4c/odata/v1/c4codataapi"
