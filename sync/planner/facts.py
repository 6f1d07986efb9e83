"""The values that rules can use: properties of a contact and of its lead's company, and what is derived from them."""

from dataclasses import dataclass

from sync.domain.rules import Rules, Segments, qualified
from sync.domain.scores import score_number
from sync.domain.views import Company, ContactView


@dataclass(frozen=True, slots=True)
class Facts:
    """A contact, the company of its lead (if any), and the rules."""

    view: ContactView
    company: Company | None
    rules: Rules

    def get(self, source: str) -> str | None:
        """The value of a source of the spaces `contact` (also without a dot), `company` and `derived`."""
        space, _, name = qualified("contact", source).partition(".")
        match space:
            case "contact":
                return self.view.get(name)
            case "company":
                return self.company.get(name) if self.company else None
            case "derived":
                return segment(self.company, self.rules.qualification.segments) if name == "segment" else None
            case _:
                return None

    def at_company(self, name: str) -> str | None:
        """A property of the company, or of the contact where there is no company."""
        return self.company.get(name) if self.company else self.view.get(name)


def segment(company: Company | None, segments: Segments) -> str | None:
    """The customer segment by revenue and head count; None where neither is known."""
    revenue = score_number(company.get(segments.revenue_property)) if company else None
    people = score_number(company.get(segments.people_property)) if company else None
    if revenue is None and people is None:
        return None
    if (revenue or 0) > segments.top_above.revenue or (people or 0) > segments.top_above.people:
        return segments.names[2]
    if (revenue or 0) >= segments.middle_from.revenue or (people or 0) >= segments.middle_from.people:
        return segments.names[1]
    return segments.names[0]
