"""Word lists. All domains end in .example (RFC 2606), so no address here can belong to anybody."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Land:
    """One country's names, places and habits of writing them."""

    code: str
    spellings: tuple[str, ...]
    language: str
    first_names: tuple[str, ...]
    surnames: tuple[str, ...]
    trades: tuple[str, ...]
    forms: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    streets: tuple[str, ...]
    phone: str
    tax: str
    long_names: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GERMANY = Land(
    "DE", ("Germany", "Deutschland", "DE"), "de",
    _words("Jürgen Käthe Björn Sabine Thomas Ömer Anneliese Günther Änne Stefan Ulrike Matthias Jörg Heike Frank "
           "Birgit Tobias Kerstin Sören Müjde Lukas Hannelore Wolfgang Ines"),
    _words("Müller Schäfer Größmann Köhler Weiß Jäger Krüger Böhm Schröder Vogel Lehmann Fuchs Strauß Günther Pfeiffer "
           "Lindner Hübner Özdemir Brandt Kühn Voß Förster Nowak Zöllner Hartwig Albers Reinhardt Seidel"),
    ("Maschinenbau", "Anlagenbau", "Fördertechnik", "Kältetechnik", "Präzisionsteile", "Gerätebau", "Logistik",
     "Lebensmitteltechnik", "Werkzeugbau", "Energietechnik", "Verpackungen", "Medizintechnik"),
    ("GmbH", "GmbH & Co. KG", "AG", "KG"),
    (("20457", "Hamburg"), ("10115", "Berlin"), ("80331", "München"), ("50667", "Köln"), ("40213", "Düsseldorf"),
     ("90402", "Nürnberg"), ("04109", "Leipzig"), ("48143", "Münster"), ("73728", "Esslingen am Neckar"),
     ("24937", "Flensburg"), ("01067", "Dresden"), ("97070", "Würzburg")),
    ("Hauptstraße", "Am Güterbahnhof", "Industriestraße", "Königsallee", "Schloßweg", "Bürgermeister-Smidt-Straße"),
    "+49 30 23125 {:03d}", "DE{:09d}",
    ("Gesellschaft für angewandte Verfahrenstechnik {} mbH & Co. KG",
     "Vereinigte Süddeutsche Präzisionswerkzeugfabriken {} AG"),
)  # fmt: skip
DENMARK = Land(
    "DK", ("Denmark", "Danmark", "DK"), "da",
    _words("Søren Åse Jørgen Mette Bjørn Kirsten Anders Signe Lærke Rasmus Østen Hanne Frederik Maja Kåre "
           "Birgitte"),
    _words("Sørensen Nørgaard Ågård Jørgensen Kjær Østergaard Højlund Møller Brøndum Skovgård Lindegård Thøgersen "
           "Friis Bækgaard Holm Dahl"),
    ("Køleteknik", "Maskinfabrik", "Fødevarer", "Skibsværft", "Vindteknik", "Emballage", "Elektronik", "Møbelfabrik"),
    ("A/S", "ApS", "I/S"),
    (("2100", "København Ø"), ("8000", "Aarhus C"), ("5000", "Odense C"), ("9000", "Aalborg"), ("6400", "Sønderborg"),
     ("7100", "Vejle"), ("4600", "Køge"), ("6700", "Esbjerg")),
    ("Vestergade", "Nørregade", "Havnevej", "Østre Ringvej", "Åboulevarden"),
    "+45 33 15 {:02d} {:02d}", "DK{:08d}",
    ("Foreningen af Nordjyske Fødevareproducenter {} A.M.B.A.",),
)  # fmt: skip
BRITAIN = Land(
    "GB", ("United Kingdom", "Great Britain", "GB"), "en-gb",
    _words("Oliver Amelia Harry Siobhán George Zoë Rhys Chloë Arthur Imogen Callum Priya Niamh Edward Fiona "
           "Dafydd"),
    _words("Harrow Whitby O'Neill Ashworth Pemberton Llewellyn Hargreaves MacAllister Thornbury Bexley Radcliffe "
           "Osgood Fairfax Loxley Wetherby Singh"),
    ("Engineering", "Food Systems", "Logistics", "Instruments", "Packaging", "Pharma Services", "Marine", "Controls"),
    ("Ltd", "plc", "LLP"),
    (("EC1A 1BB", "London"), ("M1 1AE", "Manchester"), ("B33 8TH", "Birmingham"), ("LS1 4DY", "Leeds"),
     ("CF10 1EP", "Cardiff"), ("EH1 1YZ", "Edinburgh"), ("BS1 4ND", "Bristol")),
    ("Mill Lane", "Station Road", "Victoria Embankment", "Canal Street", "St Mary's Row"),
    "+44 20 7946 0{:03d}", "GB{:09d}",
    ("The Worshipful Company of Instrument and Scale Makers {} Limited",),
)  # fmt: skip
NETHERLANDS = Land(
    "NL", ("Netherlands", "Nederland", "NL"), "nl",
    _words("Sjoerd Anouk Joost Femke Thijs Marloes Daniël Noël Wietske Bram"),
    ("van der Berg", "de Vries", "Jansen", "van 't Hoff", "Bakker", "Hoogendijk", "Coëlho", "ten Brink"),
    ("Techniek", "Installaties", "Bloemen Export", "Scheepsbouw", "Kasbouw"),
    ("B.V.", "N.V."),
    (("1012 JS", "Amsterdam"), ("3011 AA", "Rotterdam"), ("5611 AZ", "Eindhoven"), ("9712 HN", "Groningen")),
    ("Keizersgracht", "Stationsweg", "Oude Haven", "Meent"),
    "+31 20 555 0{:03d}", "NL{:09d}B01",
    ("Coöperatieve Vereniging van Glastuinbouwbedrijven {} U.A.",),
)  # fmt: skip

LANDS = {GERMANY: 50.0, DENMARK: 22.0, BRITAIN: 20.0, NETHERLANDS: 8.0}

# More than 40 characters, the length of every name field in C4C.
LONG_SURNAMES = (
    "Freiherr von Hohenlohe-Waldenburg-Schillingsfürst", "Wolfeschlegelsteinhausen-Bergerdorff zu Ravensburg",
)  # fmt: skip
JOBS = (
    "CEO", "Geschäftsführer", "Einkaufsleiterin", "Leiter Technik", "Head of Procurement", "Marketing Manager",
    "Indkøbschef", "Teknisk direktør", "Plant Manager", "Assistentin der Geschäftsleitung", "IT-Leiter", "Inkoper",
    "Head of Strategic Procurement and Supplier Development EMEA",
)  # fmt: skip
SALUTATIONS = ("Herr", "Frau", "Dr.", "Mr.", "Ms.", "Hr.", "Fru")

_LETTERS = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "ë": "e", "é": "e", "á": "a", "ï": "i",
})  # fmt: skip


def ascii_word(text: str) -> str:
    """A name as it appears in addresses: small letters, digits, hyphens."""
    plain = text.lower().translate(_LETTERS)
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in plain if letter != "'"]
    return "-".join(part for part in "".join(letters).split("-") if part)
