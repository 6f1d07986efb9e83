"""The sales team: owners in HubSpot and employees in C4C, who match by e-mail address or fail to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Colleague:
    """One person; a missing address means unknown to that system. `share` of 100 contacts."""

    first_name: str
    last_name: str
    hubspot_email: str | None
    c4c_email: str | None
    share: float = 0.0
    archived: bool = False
    locked: bool = False
    expired: bool = False


TEAM = (
    Colleague("Anke", "Petersen", "anke.petersen@vertrieb.example", "anke.petersen@vertrieb.example", 30.0),
    Colleague("Mads", "Kjær", "mads.kjaer@vertrieb.example", "Mads.Kjaer@Vertrieb.example", 17.0),
    Colleague("Grace", "Whitby", "Grace.Whitby@vertrieb.example", "grace.whitby@vertrieb.example", 12.0),
    Colleague("Jörg", "Weiß", "joerg.weiss@vertrieb.example", "JOERG.WEISS@VERTRIEB.EXAMPLE", 10.0),
    Colleague("Lena", "Agentur", "lena@agentur.example", None, 8.0),
    Colleague("Ole", "Thøgersen", "ole.t@vertrieb.example", "ole.t@vertrieb.example", 6.0, archived=True),
    Colleague("Uwe", "Sperling", "uwe.sperling@vertrieb.example", "uwe.sperling@vertrieb.example", 5.0, locked=True),
    Colleague("Rita", "Vorbei", "rita.vorbei@vertrieb.example", "rita.vorbei@vertrieb.example", 4.0, expired=True),
    Colleague("Innendienst", "Nord", None, "innendienst.nord@vertrieb.example"),
    Colleague("Bart", "de Vries", None, "bart.devries@vertrieb.example"),
)
