"""The plain script beside a first load: reads the same from HubSpot with the official SDK, as its README shows, and
keeps nothing.

It reads companies and contacts with the properties that the rules name, the labels of every contact's companies, and
the owners. It checks nothing, retries nothing, and would lose rows of a portal that changes meanwhile.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import hubspot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.companies import PublicObjectSearchRequest as CompanySearch
from hubspot.crm.contacts import PublicObjectSearchRequest as ContactSearch


def main(companies_with: str, contacts_with: str) -> None:
    """The arguments are the properties to read, with commas between."""
    client = hubspot.HubSpot(access_token=os.environ["HUBSPOT_ACCESS_TOKEN"], host=os.environ["HUBSPOT_BASE_URL"])
    companies = read_all(client.crm.companies.search_api, CompanySearch, companies_with)
    contacts = read_all(client.crm.contacts.search_api, ContactSearch, contacts_with)
    labels = read_labels(client.crm.associations.v4.batch_api, contacts)
    owners = client.crm.owners.owners_api.get_page(limit=100).results
    print(f"{len(companies)} companies, {len(contacts)} contacts, {labels} labels, {len(owners)} owners")


def read_all(api: Any, request: Any, properties: str) -> list[str]:
    """All ids. A search ends at 10,000 rows, so each one begins after the last id of the one before."""
    ids, last = [], "0"
    while True:
        page = api.do_search(
            public_object_search_request=request(
                filter_groups=[{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": last}]}],
                sorts=[{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                properties=properties.split(","),
                limit=200,
            )
        )
        ids += [row.id for row in page.results]
        if not page.paging:
            return ids
        last = ids[-1]


def read_labels(api: Any, contacts: list[str]) -> int:
    """How many labels the contacts' companies carry."""
    found = 0
    for part in (contacts[n : n + 1000] for n in range(0, len(contacts), 1000)):
        inputs = [PublicFetchAssociationsBatchRequest(id=i) for i in part]
        answer = api.get_page(
            from_object_type="contacts",
            to_object_type="companies",
            batch_input_public_fetch_associations_batch_request=BatchInputPublicFetchAssociationsBatchRequest(
                inputs=inputs
            ),
        )
        found += sum(len(to.association_types) for row in answer.results for to in row.to)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
