"""The tenant's `$metadata` and the shipped field table."""

from __future__ import annotations

import pytest

from sync.c4c.entities import collection
from sync.c4c.metadata import parse_edmx
from sync.domain.schema import Field, Schema
from sync.rule_files.standard_fields import standard

EDMX = """<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
    xmlns:sap="http://www.sap.com/Protocols/SAPData" xmlns:c4c="http://www.sap.com/Protocols/C4CData">
 <edmx:DataServices m:DataServiceVersion="2.0" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <Schema Namespace="c4codata" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
   <EntityType Name="Contact">
    <Key><PropertyRef Name="ObjectID"/></Key>
    <Property Name="ObjectID" Type="Edm.String" Nullable="false" MaxLength="70" sap:creatable="false"
        sap:updatable="false" sap:filterable="true"/>
    <Property Name="LastName" Type="Edm.String" Nullable="false" MaxLength="40"/>
    <Property Name="Free" Type="Edm.String" MaxLength="Max"/>
    <Property Name="ContactUUID" Type="Edm.Guid" sap:updatable="false" sap:filterable="false"/>
    <Property Name="BusinessAddressStateCode" Type="Edm.String" MaxLength="6"
        c4c:value-help="ContactBusinessAddressStateCodeCollection"
        c4c:context-property="BusinessAddressCountryCode"/>
    <NavigationProperty Name="ContactAttachmentFolder" Relationship="x" FromRole="a" ToRole="b"/>
   </EntityType>
   <EntityType Name="Lead"><Property Name="HubSpotScore_KUT" Type="Edm.Decimal" Precision="16"/></EntityType>
   <EntityContainer Name="c4codata"><EntitySet Name="ContactCollection" EntityType="c4codata.Contact"/>
   </EntityContainer>
  </Schema>
 </edmx:DataServices>
</edmx:Edmx>"""

STATE_LIST = "ContactBusinessAddressStateCodeCollection"


@pytest.mark.parametrize(
    ("entity", "name", "expected"),
    [
        pytest.param("Contact", "ObjectID", Field("ObjectID", "String", 70, False, False, True), id="never required"),
        pytest.param("Contact", "LastName", Field("LastName", "String", 40, required=True), id="absent flags are true"),
        pytest.param("Contact", "Free", Field("Free", "String"), id="no limit"),
        pytest.param("Contact", "ContactUUID", Field("ContactUUID", "Guid", 0, True, False, False), id="each flag"),
        pytest.param(
            "Contact",
            "BusinessAddressStateCode",
            Field(
                "BusinessAddressStateCode",
                "String",
                6,
                code_list=STATE_LIST,
                context="BusinessAddressCountryCode",
            ),
            id="code list with context",
        ),
        pytest.param("Lead", "HubSpotScore_KUT", Field("HubSpotScore_KUT", "Decimal"), id="custom field"),
        pytest.param("Contact", "ContactAttachmentFolder", None, id="a navigation is no field"),
        pytest.param("Contact", "Missing", None, id="unknown field"),
        pytest.param("Missing", "ObjectID", None, id="unknown entity"),
    ],
)
def test_field_of_the_tenant(entity: str, name: str, expected: Field | None) -> None:
    assert parse_edmx(EDMX).field(entity, name) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("<html><body>Log on</body></html>", "no entity types", id="a log-on page"),
        pytest.param("not XML", "not an XML", id="no XML"),
        pytest.param("", "not an XML", id="nothing"),
        pytest.param(EDMX[:900], "not an XML", id="cut off"),
    ],
)
def test_what_is_no_metadata(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_edmx(text)


@pytest.mark.parametrize(
    ("entity", "name", "length", "creatable", "updatable"),
    [
        pytest.param("CorporateAccount", "Name", 40, True, True, id="account name"),
        pytest.param("CorporateAccount", "AdditionalName3", 40, True, True, id="its last part"),
        pytest.param("CorporateAccount", "ExternalID", 100, False, False, id="no key can be written there"),
        pytest.param("CorporateAccount", "AccountID", 10, True, False, id="number of the account"),
        pytest.param("Contact", "LastName", 40, True, True, id="last name"),
        pytest.param("Contact", "JobTitle", 40, True, True, id="job title"),
        pytest.param("Contact", "ExternalID", 100, False, False, id="nor there"),
        pytest.param("Lead", "Name", 255, True, True, id="lead name"),
        pytest.param("Lead", "ID", 35, False, False, id="number of the lead"),
        pytest.param("Lead", "ExternalID", 35, False, False, id="nor there either"),
        pytest.param("Lead", "LifeCycleStatusCode", 2, False, False, id="status is derived"),
        pytest.param("ContactIsContactPersonFor", "AccountID", 10, True, False, id="a relationship stays"),
        pytest.param("ChannelPermission", "Consent", 1, True, True, id="consent"),
    ],
)
def test_shipped_table(entity: str, name: str, length: int, creatable: bool, updatable: bool) -> None:
    field = standard().field(entity, name)
    assert field is not None
    assert (field.length, field.creatable, field.updatable) == (length, creatable, updatable)


def test_the_tenant_decides_and_code_lists_are_kept() -> None:
    shipped = Schema(
        {
            "Lead": {"OriginTypeCode": Field("OriginTypeCode", "String", 3, code_list="Origins", context="X")},
            "Contact": {"LastName": Field("LastName", "String", 40)},
        }
    )
    tenant = Schema({"Lead": {"OriginTypeCode": Field("OriginTypeCode", "String", 5, updatable=False)}})
    merged = shipped.merged(tenant)
    expected = Field("OriginTypeCode", "String", 5, updatable=False, code_list="Origins", context="X")
    assert merged.field("Lead", "OriginTypeCode") == expected
    assert merged.field("Contact", "LastName") == Field("LastName", "String", 40)


def test_a_field_that_the_tenant_does_not_have_is_gone() -> None:
    shipped = Schema({"Lead": {"Old": Field("Old", "String")}})
    assert shipped.merged(Schema({"Lead": {}})).field("Lead", "Old") is None


def test_custom_fields_are_added_and_never_replace() -> None:
    schema = Schema({"Lead": {"A": Field("A", "String", 40)}})
    more = schema.with_custom("Lead", Field("A", "Decimal"), Field("B_KUT", "String"))
    assert more.field("Lead", "A") == Field("A", "String", 40)
    assert more.field("Lead", "B_KUT") == Field("B_KUT", "String")
    assert schema.field("Lead", "B_KUT") is None


def test_a_field_can_be_closed() -> None:
    schema = Schema({"Lead": {"A": Field("A", "String"), "B": Field("B", "String")}})
    assert schema.without("Lead", "A").field("Lead", "A") is None
    assert schema.without("Lead", "A").field("Lead", "B") is not None


def test_collection() -> None:
    assert collection("Lead") == "LeadCollection"
