"""The closed list of reason codes. Every decision and every parked record ends in one of these."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Why a contact was or was not handed over; the text is the code itself."""

    QUALIFIED = "QUALIFIED"
    SCORE_MISSING = "SCORE_MISSING"
    SCORE_BELOW_THRESHOLD = "SCORE_BELOW_THRESHOLD"
    NO_LEGAL_BASIS = "NO_LEGAL_BASIS"
    FILTERED_OUT = "FILTERED_OUT"
    ARCHIVED = "ARCHIVED"
    MERGED = "MERGED"
    ERASED = "ERASED"
    MISSING_LAST_NAME = "MISSING_LAST_NAME"
    NO_COMPANY = "NO_COMPANY"
    COMPANY_AMBIGUOUS = "COMPANY_AMBIGUOUS"
    ACCOUNT_AMBIGUOUS = "ACCOUNT_AMBIGUOUS"
    CONTACT_AMBIGUOUS = "CONTACT_AMBIGUOUS"
    LEAD_CLOSED = "LEAD_CLOSED"
    ALREADY_HANDED_OVER = "ALREADY_HANDED_OVER"
    OWNER_UNKNOWN = "OWNER_UNKNOWN"
    VALUE_TOO_LONG = "VALUE_TOO_LONG"
    VALUE_INVALID = "VALUE_INVALID"
    CODE_UNKNOWN = "CODE_UNKNOWN"
    C4C_REJECTED = "C4C_REJECTED"
    C4C_LOCKED = "C4C_LOCKED"
    C4C_CONFLICT = "C4C_CONFLICT"
    C4C_UNAVAILABLE = "C4C_UNAVAILABLE"
    C4C_DENIED = "C4C_DENIED"
    HUBSPOT_UNAVAILABLE = "HUBSPOT_UNAVAILABLE"
    HUBSPOT_DENIED = "HUBSPOT_DENIED"
    HUBSPOT_BUDGET = "HUBSPOT_BUDGET"
    GUARD_TRIPPED = "GUARD_TRIPPED"
    TOO_MANY_COMPANIES = "TOO_MANY_COMPANIES"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    PROPERTY_UNREADABLE = "PROPERTY_UNREADABLE"
    LEFT_ALONE = "LEFT_ALONE"
    COMPANY_DUPLICATE = "COMPANY_DUPLICATE"
    CONTACT_DUPLICATE = "CONTACT_DUPLICATE"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code means and what a person does about it."""

    meaning: str
    remedy: str


_NOTHING = "Nothing to do."

RETIRED = frozenset({Code.HUBSPOT_UNAVAILABLE, Code.HUBSPOT_DENIED, Code.HUBSPOT_BUDGET})
"""Codes that nothing emits; old state files may hold them. A refusal by HubSpot ends the job, so no contact gets one.
"""

EXPLANATIONS: dict[Code, Explanation] = {
    Code.QUALIFIED: Explanation("All rules are met: the contact has, or gets, its lead.", _NOTHING),
    Code.SCORE_MISSING: Explanation(
        "The score property is empty. Empty is not 0.",
        "Nothing to do; if many contacts show this, check that the score in HubSpot is switched on.",
    ),
    Code.SCORE_BELOW_THRESHOLD: Explanation(
        "The score is below the threshold. A lead that is still open keeps showing the present score.", _NOTHING
    ),
    Code.NO_LEGAL_BASIS: Explanation(
        "No legal basis for processing is recorded that allows the handover.",
        "Record the legal basis on the contact in HubSpot; the next poll notices it.",
    ),
    Code.FILTERED_OUT: Explanation(
        "A scoring filter or a label excludes the contact; the reason names it.",
        "Nothing to do, or correct the named filter or label rule in qualification.toml.",
    ),
    Code.ARCHIVED: Explanation("The contact was deleted in HubSpot.", "Nothing to do; restore it there if wrong."),
    Code.MERGED: Explanation(
        "The contact was merged into another one.",
        "Look at the surviving contact: `hubspot-c4c-sync explain CONTACT_ID` names its id.",
    ),
    Code.ERASED: Explanation(
        "The contact no longer exists in HubSpot, or the person was erased here.",
        "If erasure was requested and not done yet: `hubspot-c4c-sync erase CONTACT_ID --reason TEXT`. If the erased "
        "person consented anew: the same with `--lift`.",
    ),
    Code.MISSING_LAST_NAME: Explanation(
        "SAP Sales Cloud does not accept a person without a last name.", "Fill in the last name in HubSpot."
    ),
    Code.NO_COMPANY: Explanation(
        "Neither an associated company nor a company name is known.",
        "Associate a company in HubSpot, or fill in the company name of the contact.",
    ),
    Code.COMPANY_AMBIGUOUS: Explanation(
        "Several companies are associated and none is primary.", "Mark one company as primary in HubSpot."
    ),
    Code.ACCOUNT_AMBIGUOUS: Explanation(
        "Several accounts in SAP Sales Cloud match the company, or its record is obsolete and has no known successor.",
        "Say which account it is: `hubspot-c4c-sync links set CorporateAccount COMPANY_ID OBJECT_ID`; the contact "
        "goes on by itself. The detail (`hubspot-c4c-sync parked list`) names the ids.",
    ),
    Code.CONTACT_AMBIGUOUS: Explanation(
        "Several contacts in SAP Sales Cloud match the person, or its record is obsolete and has no known successor.",
        "Say which contact it is: `hubspot-c4c-sync links set Contact CONTACT_ID OBJECT_ID`; it goes on by itself. "
        "The detail (`hubspot-c4c-sync parked list`) names the ids. If sales retired the person on purpose: "
        "`hubspot-c4c-sync parked leave CONTACT_ID --reason TEXT`.",
    ),
    Code.LEAD_CLOSED: Explanation(
        "The lead of this cycle was converted, declined or deleted; it is left alone.",
        "Nothing to do: a new lead starts after the score has fallen below the re-arm level and risen again.",
    ),
    Code.LEFT_ALONE: Explanation(
        "A person decided that this contact is left alone for good; only a refusal is still carried over.",
        "Nothing to do; `hubspot-c4c-sync parked retry CONTACT_ID` undoes this.",
    ),
    Code.ALREADY_HANDED_OVER: Explanation("The lead of this cycle exists and is kept up to date.", _NOTHING),
    Code.OWNER_UNKNOWN: Explanation(
        "The HubSpot owner is not a valid, unlocked employee in SAP Sales Cloud, or two employees share the address; "
        "the tenant chooses the owner.",
        "Give the employee the same e-mail address in both systems, and no other valid employee that address; then run "
        "`hubspot-c4c-sync resync --code OWNER_UNKNOWN`.",
    ),
    Code.VALUE_TOO_LONG: Explanation(
        "A value is longer than its field and was cut, or one of its words was broken over two fields.",
        "Shorten the value in HubSpot.",
    ),
    Code.VALUE_INVALID: Explanation(
        "A value does not fit its field and was left out.", "Correct the named property in HubSpot."
    ),
    Code.CODE_UNKNOWN: Explanation(
        "A code of the rules is not in the tenant's code list, or a value is not in the field's table; the field was "
        "left out.",
        "Correct the rules, the value in HubSpot, or the code list in SAP Sales Cloud (`hubspot-c4c-sync check` "
        "names a wrong code); then run `hubspot-c4c-sync resync --code CODE_UNKNOWN`. A field that is `create_only` "
        "is filled in new records only.",
    ),
    Code.C4C_REJECTED: Explanation(
        "SAP Sales Cloud refused the record, or a lookup by one of its values.",
        "Read the detail (`hubspot-c4c-sync parked list`), correct the record or the rules, then run "
        "`hubspot-c4c-sync parked retry --code C4C_REJECTED`; a change in HubSpot tries again by itself.",
    ),
    Code.C4C_LOCKED: Explanation("Somebody has the record open; it is tried again.", _NOTHING),
    Code.C4C_CONFLICT: Explanation(
        "The record kept changing while it was written; it is tried again. Parked: it kept changing.",
        "If it is parked, read in the detail (`hubspot-c4c-sync parked list`) which fields go back and forth, because "
        "entries of the mapping, or a workflow in SAP Sales Cloud, undo each other. Correct them, then run "
        "`hubspot-c4c-sync parked retry --code C4C_CONFLICT`.",
    ),
    Code.C4C_UNAVAILABLE: Explanation(
        "SAP Sales Cloud could not be reached, or its answers on this record were lost; nothing is lost, it is tried "
        "again.",
        "If it lasts, check the tenant's availability and the network. If the contact is parked, then run "
        "`hubspot-c4c-sync parked retry --code C4C_UNAVAILABLE`.",
    ),
    Code.C4C_DENIED: Explanation(
        "SAP Sales Cloud refused the credentials or a permission.",
        "Run `hubspot-c4c-sync check`; correct C4C_USERNAME and C4C_PASSWORD or the certificate, or the services of "
        "the communication arrangement. If the contact is parked, then run `hubspot-c4c-sync parked retry --code "
        "C4C_DENIED`.",
    ),
    Code.HUBSPOT_UNAVAILABLE: Explanation(
        "HubSpot could not be reached; nothing is lost, it is tried again.", "If it lasts, check HubSpot's status page."
    ),
    Code.HUBSPOT_DENIED: Explanation(
        "HubSpot refused the token or a scope.", "Check HUBSPOT_ACCESS_TOKEN and its scopes."
    ),
    Code.HUBSPOT_BUDGET: Explanation(
        "HubSpot's daily request limit is used up.", "Wait for the reset at midnight of the portal's time zone."
    ),
    Code.GUARD_TRIPPED: Explanation(
        "A cycle would create, change or withdraw more records than the guard allows; nothing was written.",
        "Look at it with `hubspot-c4c-sync plan`; if it is right, let exactly that plan through with "
        "`hubspot-c4c-sync approve DIGEST` (`hubspot-c4c-sync approve` names the digest). `[guard]` in worker.toml "
        "holds the limits (0 switches one off).",
    ),
    Code.INTERNAL_ERROR: Explanation(
        "This program failed on this one contact; the detail names the kind and the place of the error.",
        "Report the place (`hubspot-c4c-sync parked list`) to those who maintain this program. After an update, or "
        "after the odd value of the contact was corrected, run `hubspot-c4c-sync parked retry --code INTERNAL_ERROR`.",
    ),
    Code.TOO_MANY_COMPANIES: Explanation(
        "The contact would get more relationships to accounts at once than `max_relationships` allows for one contact.",
        "Remove associations of the contact in HubSpot, or raise `max_relationships` under `[guard]` in worker.toml; "
        "then run `hubspot-c4c-sync parked retry --code TOO_MANY_COMPANIES`.",
    ),
    Code.COMPANY_DUPLICATE: Explanation(
        "HubSpot holds the company twice: two companies agree in domain and name, or in name, country and postal code.",
        "Merge them in HubSpot; the contacts go on by themselves. `[duplicates]` in mapping.toml says whether such "
        "companies share one account, wait, or get an account each.",
    ),
    Code.CONTACT_DUPLICATE: Explanation(
        "HubSpot holds the person twice: two contacts of one company have the same e-mail address.",
        "Merge them in HubSpot; the surviving contact goes on by itself, as it does when the other one is deleted or "
        'gets an address of its own. If they are two people, set `contact = "create"` under `[duplicates]` in '
        "mapping.toml.",
    ),
    Code.PROPERTY_UNREADABLE: Explanation(
        "HubSpot does not show a property that the decision needs: it was deleted or renamed, or the token may not "
        "read it. Not read is not empty: the contact waits, and what was handed over stays as it is.",
        "Restore the property in HubSpot, give the token the right to read it, or name another property in the "
        "rules; `hubspot-c4c-sync check` names it. All waiting contacts go on by themselves. If only one "
        "contact shows this, correct the value and run `hubspot-c4c-sync resync --contact CONTACT_ID --refetch`.",
    ),
}
