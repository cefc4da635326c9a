"""Erasure everywhere: databases, a register, employees' mail and an address book hold what the letter says is kept."""

from collections.abc import Iterator
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path

import pytest
import sweep
from servers import PASSWORD, BookServer, DovecotServer, SmtpSink, radicale

from dsar.declaration import load_declaration

from .company import body
from .quick import QuickCompany

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

JOHN = "john.whitfield@example.com"
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"
CANARIES = ("Whitfield", JOHN, "Strandgatan 22", "070-174 06 06", "+46 70 174 06 06", "0701740606")

_VISITS = (
    "Datum;Besökare;E-post\n2026-10-01;John Whitfield;john.whitfield@example.com\n2026-10-02;Karin Ek;k@ek.example\n"
)
_REGISTER = """
name = "visits"
kind = "files"
label = {sv = "Besöksregistret", en = "The visitor register"}
[[object]]
name = "visit"
label = {sv = "Besök", en = "Visit"}
file = "visits.csv"
activities = ["A1"]
person_name = ["Besökare"]
find = [{by = "email", columns = ["E-post"]}, {by = "name", columns = ["Besökare"]}]
erase = {action = "delete"}
fields = [
  {column = "Datum", label = {sv = "Datum", en = "Date"}, category = "log", asserted_by = "company"},
  {column = "Besökare", label = {sv = "Besökare", en = "Visitor"}, category = "identity", asserted_by = "company"},
  {column = "E-post", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
]
"""


class Everywhere(QuickCompany):
    """A company that knows John in five systems."""

    books: BookServer


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Iterator[Everywhere]:
    made = Everywhere(tmp_path, dovecot_server, smtp_sink, mail_user)
    (made.data / "visits").mkdir()
    (made.data / "visits" / "visits.csv").write_text(_VISITS, "utf-8")
    (made.data / "visits.toml").write_text(_REGISTER, "utf-8")
    shipped = files("connectors.samples") / "addressbook.toml"
    (made.data / "addressbook.toml").write_bytes(shipped.read_bytes())
    (tmp_path / "radicale").mkdir()
    with radicale(tmp_path / "radicale") as books:
        made.books = books
        made.settings.write_text(made.settings.read_text("utf-8") + _systems(made, dovecot_server), "utf-8")
        yield made


def _systems(made: Everywhere, dovecot: DovecotServer) -> str:
    return f"""
[system.visits]
connector = files
declaration = data/visits.toml
folder = data/visits
changes = on
[system.mailboxes]
connector = imap
declaration = data/mailboxes.toml
host = localhost
port = {dovecot.imaps_port}
ca_file = {dovecot.ca_file}
user = dsar
password = test
mailboxes = anna-{made.user}
changes = on
[system.addressbook]
connector = carddav
declaration = data/addressbook.toml
url = {made.books.home}
user = office
password = {PASSWORD}
changes = on
"""


def vcard(body: str) -> str:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\n{body}END:VCARD\r\n"


def fill(company: Everywhere) -> None:
    """What colleagues keep of John: two mails, packed as mail programs pack them, a card, a note on another's card."""
    for encoding in ("quoted-printable", "base64"):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"John Whitfield <{JOHN}>", "anna@xelent.example", "Hyran"
        mail.set_content("Jag bor på Strandgatan 22 i Träslövsläge.\nJohn Whitfield\n", cte=encoding)
        company.dovecot.append(bytes(mail), f"anna-{company.user}")
    company.books.put("john", vcard(f"UID:1\r\nFN:John Whitfield\r\nN:Whitfield;John;;;\r\nEMAIL:{JOHN}\r\n"))
    company.books.put("eva", vcard(f"UID:2\r\nFN:Eva Ek\r\nN:Ek;Eva;;;\r\nNOTE:Granne till {JOHN}\r\n"))


def left(company: Everywhere) -> dict[str, set[str]]:
    """{system and place: what it still holds of John}"""
    found = {
        f"{name}:{place}": hits
        for name in ("business", "webshop")
        for place, hits in sweep.in_sqlite(company.data / f"{name}.db", CANARIES).items()
    }
    found |= {f"visits:{place}": hits for place, hits in sweep.in_folder(company.data / "visits", CANARIES).items()}
    with company.dovecot.session(f"anna-{company.user}") as session:
        session.select("INBOX", readonly=True)
        _, numbers = session.search(None, "ALL")
        for number in numbers[0].split():
            _, data = session.fetch(number.decode(), "(BODY.PEEK[])")
            part = data[0]
            if isinstance(part, tuple) and (hits := sweep.holds(part[1], CANARIES)):
                found[f"mailboxes:{number.decode()}"] = hits
    cards = company.folder / "radicale" / "books"
    return found | {f"addressbook:{place}": hits for place, hits in sweep.in_folder(cards, CANARIES).items()}


def kept(company: Everywhere, reference: str) -> set[str]:
    """The tables of the lines that the plan keeps; the letter tells exactly these."""
    steps = company.ok("show", reference, "--plan", "--json").lines
    declared = {name: load_declaration(company.data / f"{name}.toml") for name in ("business", "webshop")}
    return {
        f"{step['system']}:{declared[step['system']].object(step['object']).table}"
        for step in steps
        if step["action"] == "keep"
    }


def test_a_sweep_of_everything_finds_only_what_the_letter_says_is_kept(company: Everywhere) -> None:
    fill(company)
    company.write(f"John Whitfield <{JOHN}>", ERASE, subject="My data")
    company.ok("poll")
    reference = company.queue()[0]["reference"]
    company.ok("decide", reference.partition("/")[0], "--accept")
    company.ok("poll")
    assert {place.partition(":")[0] for place in left(company)} == {
        "business", "webshop", "visits", "mailboxes", "addressbook"
    }  # fmt: skip
    allowed = kept(company, reference)
    assert allowed == {"business:invoices", "webshop:orders"}
    company.ok("show", reference, "--letter", actor="bo")

    company.ok("approve", reference, actor="bo")

    places = {place.rpartition(".")[0] if place[:3] in {"bus", "web"} else place for place in left(company)}
    assert places == allowed
    text = " ".join(body(company.letters_to(JOHN)[-1]).split())
    assert "Bookkeeping Act" in text
    assert "Karin Ek" in (company.data / "visits" / "visits.csv").read_text("utf-8")
    assert company.books.stored("eva").count("Eva Ek") == 1


@pytest.mark.parametrize(
    "packed",
    [
        b"Hej John Whitfield",
        b"Whit=66ield",
        b"V0hJVEZJRUxEIFdISVRGSUVMRA==",
        b'{"name": "Whitf\\u0069eld"}',
        b"NOTE:Granne till Whit\r\n field",
        b"576869746669656c64",
        "Whitfield".encode("utf-16"),
    ],
)
def test_the_sweep_sees_through_what_text_is_packed_in(packed: bytes) -> None:
    assert sweep.holds(packed, ["Whitfield"]) == {"Whitfield"}
