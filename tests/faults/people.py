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
Wish = Literal["access", "erase", "update", "stop", "access, left", "erase, left", "noise", "silent"]

#: Wish -> text of the mail; "" writes nothing.
TEXTS: Final[dict[Wish, str]] = {
    "access": "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.\n\n{name}\n",
    "erase": "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\n{name}\n",
    "update": (
        "Hej,\n\njag har bytt telefonnummer. Mitt gamla nummer är {phone} och mitt nya är {other}. "
        "Kan ni ändra det hos er?\n\n/{name}\n"
    ),
    "stop": "Hej!\n\nSluta skicka reklam till mig, tack.\n\n{name}\n",
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
    def message_id(self) -> str:
        return f"<{self.number.lower()}@sender.example>"

    def mail(self) -> bytes:
        mail = EmailMessage(policy=policy.SMTP)
        mail["Authentication-Results"] = "mx.xelent.example; dmarc=pass header.from=example.se"
        mail["From"], mail["To"], mail["Message-ID"] = f"{self.name} <{self.email}>", PRIVACY, self.message_id
        mail["Subject"] = "Autosvar" if self.wish == "noise" else "Mina uppgifter"
        if self.wish == "noise":
            mail["Auto-Submitted"] = "auto-replied"
        mail.set_content(TEXTS[self.wish].format(name=self.name, phone=self.phone, other=self.other))
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
                (person.number, first, last, person.email, person.phone),
            )
            if person.kept:
                bill = (f"F{person.number}", person.number, "2026-03-31", person.name, "Storgatan 1", "Hyra", "90", "B")
                business.execute("INSERT INTO invoices VALUES (?, ?, ?, ?, ?, ?, ?, ?)", bill)
    business.close()
    (folder / "visits").mkdir()
    lines = [f"{person.number};{person.email}\n" for person in people]
    (folder / "visits" / VISITS).write_text(f"nr;mail\n{''.join(lines)}", "utf-8")
    return {
        each.number: {"no": each.number, "name": each.name, "mail": each.email, "phone": each.phone, "offers": "1"}
        for each in people
    }
