"""Who writes to the company, what they ask for, and what its systems hold of them."""

import random
import sqlite3
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Literal

from journeys.company import PRIVACY

#: What a person wants; "leave" of the same kind: nobody at the company ever approves it.
Wish = Literal[
    "access",
    "erase",
    "update",
    "stop",
    "both",
    "stranger",
    "texted",
    "agent",
    "extract",
    "access, left",
    "erase, left",
    "noise",
    "silent",
]

#: "extract": the company keeps their extract from the criminal record, so that a person makes sure who asks.
#: ASKED write from an address that is on file nowhere; "texted" has none on file at all, only a telephone.
ASKED: Final = {"stranger", "texted", "agent"}

#: Wish -> text of the mail; "" writes nothing.
TEXTS: Final[dict[Wish, str]] = {
    "access": "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.\n\n{name}\n",
    "erase": "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\n{name}\n",
    "update": (
        "Hej,\n\njag har bytt telefonnummer. Mitt gamla nummer är {phone} och mitt nya är {other}. "
        "Kan ni ändra det hos er?\n\n/{name}\n"
    ),
    "stop": "Hej!\n\nSluta skicka reklam till mig, tack.\n\n{name}\n",
    "both": ("Hej!\n\nSkicka mig ett registerutdrag. Radera sedan alla personuppgifter som ni har om mig.\n\n{name}\n"),
    "stranger": (
        "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig. Mitt kundnummer är {number} och "
        "mitt ordernummer är 48213.\n\n{name}\n"
    ),
    "texted": "Hej!\n\nJag begär ett registerutdrag. Mitt kundnummer är {number}.\n\n{name}\n",
    "agent": (
        "Undertecknad är ombud för {name}. För min klients räkning begär jag ett registerutdrag.\nFullmakt bifogas.\n\n"
        "Lisa Brandt\nadvokat\n"
    ),
    "extract": "Hej!\n\nSkicka mig ett registerutdrag över mina personuppgifter, tack.\n\n{name}\n",
    "access, left": "Hej!\n\nJag begär ett registerutdrag enligt artikel 15.\n\n{name}\n",
    "erase, left": "Hej!\n\nRadera alla personuppgifter som ni har om mig, tack.\n\n{name}\n",
    "noise": "Jag är på semester och läser inte min post.\n",
    "silent": "",
}

_FIRST = ("Maria", "Johan", "Karin", "Peter", "Linnéa", "Göran", "Fatima", "Oskar", "Ulla", "Bengt", "Sara", "Nils")
_LAST = ("Ek", "Falk", "Sjögren", "Nordin", "Åberg", "Hassan", "Lind", "Ågren", "Westerlund", "Söder", "Dahl", "Rosén")

VISITS = "visits.csv"
VISITS_DECLARATION = """
name = "visits"
kind = "files"
label = {sv = "Besöksregistret", en = "The visitor register"}
[[object]]
name = "visit"
label = {sv = "Besök", en = "Visit"}
file = "visits.csv"
key = "nr"
activities = ["A1"]
find = [{by = "email", columns = ["mail"]}]
documents = [{label = {sv = "Besökskvitto", en = "Receipt of a visit"}, file = "fil"}]
erase = {action = "delete"}
fields = [
  {column = "nr", label = {sv = "Nummer", en = "Number"}, category = "technical", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
]
"""


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person, known to every system under the same number."""

    number: str
    name: str
    email: str
    phone: str
    other: str  #: The phone that they change to.
    wish: Wish
    kept: bool  #: An invoice of theirs is kept by law.

    @property
    def filed(self) -> str:
        """Their address as the systems have it."""
        return "" if self.wish == "texted" else self.email

    @property
    def receipt(self) -> str:
        """Name of a file of the visitor register that is about them."""
        return f"{self.number}.txt" if self.wish == "access" else ""

    @property
    def visit(self) -> str:
        """Their line of the visitor register."""
        return f"{self.number};{self.filed};{self.receipt}\n"

    @property
    def message_id(self) -> str:
        return f"<{self.number.lower()}@sender.example>"

    def mail(self) -> bytes:
        mail = EmailMessage(policy=policy.SMTP)
        address = f"{self.number.lower()}@other.example" if self.wish in ASKED else self.email
        name = "Lisa Brandt" if self.wish == "agent" else self.name
        mail["Authentication-Results"] = f"mx.xelent.example; dmarc=pass header.from={address.partition('@')[2]}"
        mail["From"], mail["To"], mail["Message-ID"] = f"{name} <{address}>", PRIVACY, self.message_id
        mail["Subject"] = "Autosvar" if self.wish == "noise" else "Mina uppgifter"
        if self.wish == "noise":
            mail["Auto-Submitted"] = "auto-replied"
        told = {"name": self.name, "number": self.number, "phone": self.phone, "other": self.other}
        mail.set_content(TEXTS[self.wish].format(**told))
        return mail.as_bytes()


def invent(dice: random.Random, count: int) -> list[Person]:
    """People of every wish, in an order that the dice choose."""
    wishes = [list(TEXTS)[place % len(TEXTS)] for place in range(count)]
    dice.shuffle(wishes)
    return [
        Person(
            number=f"K{60000 + place}",
            name=f"{_FIRST[place % 12]} {_LAST[(place * 5 + place // 12) % 12]}",
            email=f"p{place}@example.se",
            phone=f"070-17406{place % 25 + 40}",
            other=f"070-17406{place % 25 + 66}",
            wish=wish,
            kept=dice.random() < 0.4,
        )
        for place, wish in enumerate(wishes)
    ]


def make_known(people: list[Person], folder: Path) -> dict[str, dict[str, str]]:
    """Put them into the business system and the register in *folder*; answers the rows of the shop by number."""
    with sqlite3.connect(folder / "business.db") as business:
        for person in people:
            first, last = person.name.split()
            business.execute(
                "INSERT INTO customers (customer_no, first_name, last_name, kind, email, mobile, marketing, active,"
                " created_on) VALUES (?, ?, ?, 'P', ?, ?, 1, 1, '2021-03-15')",
                (person.number, first, last, person.filed, person.phone),
            )
            if person.kept:
                bill = (f"F{person.number}", person.number, "2026-03-31", person.name, "Storgatan 1", "Hyra", "90", "B")
                business.execute("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?, ?)", bill)
    business.close()
    (folder / "visits").mkdir()
    lines = [person.visit for person in people]
    (folder / "visits" / VISITS).write_text(f"nr;mail;fil\n{''.join(lines)}", "utf-8")
    for person in people:
        if person.receipt:
            (folder / "visits" / person.receipt).write_text("Kvitto.\n", "utf-8")
    return {
        each.number: {
            "no": each.number,
            "name": each.name,
            "mail": each.filed,
            "phone": each.phone,
            "offers": "1",
            "record": "Utdrag ur belastningsregistret" if each.wish == "extract" else "",
        }
        for each in people
    }
