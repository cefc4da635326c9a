"""Two employees' address books: their own cards (vCard 3.0), one of which mentions somebody else in its note."""

import httpx

from lab.people import ANNA, COMPANIES, ERIK, OTHERS, Person
from lab.seeds.clients import web

OWNERS = {"saljare1": "pw1", "saljare2": "pw2"}
_BOOK = """<?xml version="1.0"?><create xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><set><prop>
<resourcetype><collection/><CR:addressbook/></resourcetype><displayname>Kontakter</displayname></prop></set></create>"""


def run() -> None:
    for owner, password in OWNERS.items():
        with web("CARDDAV", auth=(owner, password)) as own:  # the first log-in makes the owner's home
            own.request("PROPFIND", f"/{owner}/").raise_for_status()
            own.request("MKCOL", f"/{owner}/kontakter/", content=_BOOK).raise_for_status()
    with web("CARDDAV", auth=("dsar", "pw3")) as service:
        _put(
            service, "saljare1", "anna", _card(ANNA, phone="+46 70 123 45 67", note="barn på Tallskolan", address=True)
        )
        _put(service, "saljare1", "erik", _card(ERIK, email="Erik.Lindqvist@example.se"))
        _put(service, "saljare1", "grupp", _group())
        for number, each in enumerate(OTHERS[:32]):
            note = "Träffades på mässan" if number % 5 == 0 else ""
            _put(service, f"saljare{1 + number % 2}", each.key, _card(each, note=note))


def _put(service: httpx.Client, owner: str, name: str, lines: list[str]) -> None:
    card = "\r\n".join(map(_folded, ["BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", *lines, "END:VCARD"])) + "\r\n"
    headers = {"Content-Type": "text/vcard; charset=utf-8"}
    service.put(f"/{owner}/kontakter/{name}.vcf", content=card.encode(), headers=headers).raise_for_status()


def _card(
    person: Person, *, email: str | None = None, phone: str | None = None, note: str = "", address: bool = False
) -> list[str]:
    lines = [f"FN:{person.name}", f"N:{person.last};{person.first};;;", f"EMAIL;TYPE=WORK:{email or person.email}"]
    lines += [f"TEL;TYPE=CELL:{phone or person.phone}", f"ORG:{person.employer}", f"TITLE:{person.title}"]
    if address:
        lines.append(f"ADR;TYPE=WORK:;;{person.street};{person.city};;{person.postcode};Sverige")
    lines.append(f"NOTE:{note}")
    return [line for line in lines if line.partition(":")[2]]


def _group() -> list[str]:
    company = COMPANIES["K10234"]
    return [
        f"FN:{company.name.removesuffix(' AB')}",
        "N:Tandvård;Varbergs;;;",
        f"EMAIL;TYPE=WORK:info@{company.domain}",
        "TEL;TYPE=CELL:0340-12345",
        f"ORG:{company.name}",
        f"NOTE:Fråga efter {ERIK.name} ({ERIK.email})",
    ]


def _folded(line: str) -> str:
    """RFC 2426 section 2.6: no longer than 75 octets, no character torn."""
    pieces: list[str] = []
    piece = ""
    for character in line:
        if len((piece + character).encode()) > 74:
            pieces, piece = [*pieces, piece], ""
        piece += character
    return "\r\n ".join([*pieces, piece])
