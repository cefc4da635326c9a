"""
The population of the lab: three persons whom every system knows, and forty others; the same in every run.

Phones are from the series kept for fiction, personal numbers from the test numbers of the tax agency.
"""

# ruff: noqa: E501  # rows of data and queries are read as one line each

from dataclasses import dataclass
from typing import NamedTuple


class Company(NamedTuple):
    """A business customer."""

    name: str
    domain: str
    orgnr: str | None
    street: str
    postcode: str
    city: str
    phone: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody whom the systems know."""

    key: str
    first: str
    last: str
    email: str
    phone: str  #: As typed, in one of six spellings.
    number: str  #: Own customer number.
    street: str
    postcode: str
    city: str
    personnummer: str | None = None  #: Twelve digits.
    company: str | None = None  #: Customer number of the company whose contact person this is.
    title: str = ""
    active: bool = True

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def employer(self) -> str:
        """Name of the company, "" for a private customer."""
        return COMPANIES[self.company].name if self.company else ""

    @property
    def address(self) -> str:
        return f"{self.street}, {self.postcode} {self.city}"


COMPANIES = {
    "K10234": Company("Varbergs Tandvård AB", "tandvard.example", "5560360793", "Kungsgatan 1", "432 41", "Varberg", "+46 340 123 45"),
    "K10301": Company("Ätrans Byggservice AB", "atransbygg.example", None, "Industrigatan 14", "311 32", "Falkenberg", "031-390 06 90"),
    "K10302": Company("Redovisningsbyrån Söderling & Co", "soderling.example", None, "Drottninggatan 22", "302 42", "Halmstad", "031-390 06 91"),
    "K10303": Company("Hallands Plåt och Vent AB", "hallandsplat.example", None, "Verkstadsgatan 3", "432 32", "Varberg", "031-390 06 92"),
    "K10304": Company("Kungsbacka Advokatbyrå HB", "kbaadvokat.example", None, "Lindens torg 4", "434 30", "Kungsbacka", "031-390 06 93"),
    "K10305": Company("Tvååkers Djurklinik AB", "tvaakersdjur.example", None, "Stationsvägen 8", "432 77", "Tvååker", "031-390 06 94"),
    "K10306": Company("Friskolan Ekbacken Ekonomisk förening", "ekbacken.example", None, "Skolgatan 1", "312 30", "Laholm", "031-390 06 95"),
    "K10307": Company("Nissans Åkeri AB", "nissansakeri.example", None, "Terminalvägen 11", "302 60", "Halmstad", "031-390 06 96"),
    "K10308": Company("Brf Strandliden", "strandliden.example", None, "Strandvägen 5", "432 54", "Varberg", "031-390 06 97"),
}  # fmt: skip

ERIK = Person(
    key="erik", first="Erik", last="Lindqvist", email="erik.lindqvist@example.se", phone="070-765 43 21",
    personnummer="191212121212", number="K20077", street="Västergatan 9", postcode="311 31", city="Falkenberg",
)  # fmt: skip
ANNA = Person(
    key="anna", first="Anna-Lena", last="Öberg", email="anna.oberg@tandvard.example", phone="+46701234567",
    number="K10234-1", company="K10234", street="Kungsgatan 1", postcode="432 41", city="Varberg", title="Klinikchef",
)  # fmt: skip
NAMESAKE = Person(
    key="namesake", first="Anna", last="Öberg", email="anna.oberg@example.net", phone="", number="K20101",
    street="Storgatan 2", postcode="302 43", city="Halmstad",
)  # fmt: skip

#: Whom no system knows but by a note about Erik.
NEIGHBOUR = "Sixten Gustavsson"

_FIRST = """
Karin Johan Maria Lars Eva Anders Kristina Per Birgitta Mikael Elisabeth Jan Sara Nils Linnéa Björn Åsa Göran Märta
Fatima Håkan Ingrid Oskar Malin Ahmed Sofia Jörgen Agneta Viktor Lena Mats Ulrika Rasmus Amina Bengt Helena Tobias
Camilla Dragan Ebba
""".split()  # noqa: SIM905  # forty names read better than forty strings
_LAST = """
Sjögren Bergström Åkesson Nyström Hallberg Wikström Lundqvist Söderberg Ekström Forsberg Isaksson Björklund Strömberg
Håkansson Ögren Palmgren Sandström Falk Engström Hassan Gunnarsson Blomqvist Ljungberg Sundin Karimi Öhman Dahlgren
Norén Lindholm Rosén Hellström Åberg Viklund Ali Mårtensson Hedlund Skoog Westerlund Petrović Nordin
""".split()  # noqa: SIM905
_STREETS = ("Storgatan", "Skolgatan", "Parkvägen", "Bäckvägen", "Kyrkogatan", "Ringvägen", "Björkstigen", "Tångvägen",
            "Åsgatan", "Malmgatan")  # fmt: skip
_CITIES = (("432 41", "Varberg"), ("311 31", "Falkenberg"), ("302 43", "Halmstad"), ("434 30", "Kungsbacka"),
           ("312 30", "Laholm"))  # fmt: skip
_TITLES = ("Ekonomiansvarig", "IT-ansvarig", "VD", "Receptionist")
_PLAIN = str.maketrans("åäöéćüšž", "aaoecusz")
#: How many of the others are contact persons of companies.
_CONTACTS = 24


def serial(number: int) -> str:
    """Serial number of the device of the contact person with this number."""
    return f"XM4522B{number:05d}"


def hyphened(personnummer: str) -> str:
    return f"{personnummer[:8]}-{personnummer[8:]}"


def _control_digit(nine: str) -> str:
    return str(-sum(sum(divmod(int(digit) * (2 - at % 2), 10)) for at, digit in enumerate(nine)) % 10)


def _personnummer(number: int) -> str:
    year, rest = 1950 + number, f"{1 + number % 12:02d}{1 + number % 28:02d}{238 + number % 2}"
    return f"{year}{rest}{_control_digit(f'{year % 100:02d}{rest}')}"


def _phone(number: int) -> str:
    last = f"{5 + number:02d}"
    spellings = ("070-174 06 {}", "07017406{}", "+467017406{}", "+46 (0)70-174 06 {}", "00467017406{}", "070 17 406 {}")
    return spellings[number % 6].format(last)


def _other(number: int) -> Person:
    first, last = _FIRST[number], _LAST[number]
    codes = [code for code in COMPANIES if code != ANNA.company]
    code = codes[number % len(codes)] if number < _CONTACTS else None
    company = COMPANIES[code] if code else None
    postcode, city = _CITIES[number % 5]
    return Person(
        key=f"p{number:02d}",
        first=first,
        last=last,
        email=f"{first}.{last}@{company.domain if company else 'mejl.example'}".lower().translate(_PLAIN),
        phone=_phone(number),
        personnummer=None if company else _personnummer(number),
        number=f"{code}-{1 + number // 8}" if code else f"K20{200 + number}",
        company=code,
        street=company.street if company else f"{_STREETS[number % 10]} {number + 1}",
        postcode=company.postcode if company else postcode,
        city=company.city if company else city,
        title=_TITLES[number % 4] if company else "",
        active=number % 13 != 7,
    )


OTHERS = tuple(_other(number) for number in range(len(_FIRST)))
CONTACTS, PRIVATE = OTHERS[:_CONTACTS], OTHERS[_CONTACTS:]
EVERYBODY = (ERIK, ANNA, NAMESAKE, *OTHERS)


def _colleague(number: int, first: str, last: str, title: str) -> Person:
    return Person(
        key=f"c{number}", first=first, last=last, email=f"{first}.{last}@xelent.example".lower().translate(_PLAIN),
        phone=f"031-390 06 {80 + number}", number=f"M{100 + number}", street="Annebergsvägen 1B", postcode="432 48",
        city="Varberg", title=title,
    )  # fmt: skip


#: Our own staff, whom the directory alone knows; the first is the manager of the others.
COLLEAGUES = tuple(
    _colleague(number, *told)
    for number, told in enumerate(
        [
            ("Rut", "Åberg", "Chef"),
            ("Anna", "Berg", "Handläggare"),
            ("Bo", "Ek", "Godkännare"),
            ("Säl", "Jare", "Säljare"),
        ]
    )
)
