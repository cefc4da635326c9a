"""
A population of a company's customers and what three systems hold about them, the same in every run.

Every trap of the field is in it: namesakes, couples on one phone, father and son of one name on one phone, phones and
addresses that had another owner before, customer numbers given out twice, addresses with the wildcards of LIKE,
addresses and numbers that are part of others, colleagues behind one switchboard and one info@.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from connectors import open_connector
from connectors.memory import MemoryConnector
from dsar.connector import Searches
from dsar.declaration import parse_declaration

#: Ranges that Post- och telestyrelsen keeps for fiction.
_PHONES = [
    *(f"+4670174{number:04}" for number in range(605, 700)),
    *(f"+46313900{number:03}" for number in range(600, 700)),
    *(f"+46406280{number:03}" for number in range(400, 500)),
    *(f"+46846500{number:03}" for number in range(400, 500)),
]
_FIRST = "Åsa Karl Eva Göran Märta Nils Zoë Björn Ana Lars Frida Ömer Sara Johan Ingrid".split()  # noqa: SIM905
_LAST = "Lindqvist Öberg Berg Åkesson Ek Strömbäck O'Neill García Nilsson Dahl Wärn Lund".split()  # noqa: SIM905


@dataclass(kw_only=True)
class Person:
    name: str
    email: str
    phone: str
    personnummer: str
    customer_no: str
    traps: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)  #: "system/object/key" of all that is theirs.


def population(seed: int = 7) -> tuple[list[Person], dict[str, dict[str, list[dict[str, str]]]]]:
    """(people, {system: {object: rows}}); each record is of exactly one person, or of nobody in the list."""
    dice = random.Random(seed)
    people = [_person(number, dice) for number in range(240)]
    _set_traps(people)
    rows: dict[str, dict[str, list[dict[str, str]]]] = {
        "crm": {"customer": [], "invoice": []},
        "shop": {"account": []},
        "desk": {"ticket": []},
    }
    for number, person in enumerate(people):
        _records(number, person, rows, dice)
    _strangers(people, rows)
    for tables in rows.values():
        for table in tables.values():
            dice.shuffle(table)
    return people, rows


def _person(number: int, dice: random.Random) -> Person:
    name = f"{dice.choice(_FIRST)} {_LAST[number % len(_LAST)]}"
    local = name.lower().replace(" ", ".").translate(str.maketrans("åäöéëí'", "aaoeei_"))
    return Person(
        name=name,
        email=f"{local}.{number}@example.se",
        phone=_PHONES[number],
        personnummer=_number(1930 + number % 70, number),
        customer_no=f"K{1000 + number}",
    )


def _number(year: int, number: int) -> str:
    """A personnummer with its right check digit."""
    nine = f"{year % 100:02}{1 + number % 12:02}{1 + number % 28:02}{100 + number:03}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(nine)]
    check = -sum(value - 9 if value > 9 else value for value in doubled) % 10
    return f"{year // 100}{nine[:6]}-{nine[6:]}{check}"


def _set_traps(people: list[Person]) -> None:
    pairs = list(zip(people[0::2], people[1::2], strict=True))
    for one, other in pairs[:20]:
        other.name = one.name
        one.traps.add("namesake")
    for one, other in pairs[20:35]:
        one.name, other.name = f"Ann {one.name}", f"Bertil {other.name}"
        other.phone = one.phone
        one.traps.add("shared phone")
        other.traps.add("shared phone")
    for one, other in pairs[35:45]:
        other.name, other.phone = one.name, one.phone
        one.traps.add("father and son")
        other.traps.add("father and son")
    for number, (one, other) in enumerate(pairs[45:55]):
        one.email, other.email = f"a_b{number}@example.se", f"axb{number}@example.se"
        one.traps.add("wildcard")
    for number, (one, other) in enumerate(pairs[55:65]):
        one.email, other.email = f"anna{number}@example.se", f"joanna{number}@example.se"
        one.customer_no, other.customer_no = f"K9{number}", f"K9{number}00"
        one.traps.add("substring")
    for each in people[130:150]:
        each.traps.add("recycled address")
    for each in people[150:170]:
        each.traps.add("re-used phone")
    for each in people[170:180]:
        each.traps.add("reissued number")
    for each in people[180:200]:
        each.traps.add("colleague")


def _records(
    number: int, person: Person, rows: Mapping[str, Mapping[str, list[dict[str, str]]]], dice: random.Random
) -> None:
    company = "K5000" if "colleague" in person.traps else ""
    rows["crm"]["customer"].append(
        {
            "no": person.customer_no,
            "name": dice.choice([person.name, person.name.upper(), ", ".join(reversed(person.name.split(" ", 1)))]),
            "mail": dice.choice([person.email, person.email.title(), f" {person.email}"]),
            "phone": _spelled(person.phone, dice),
            "pnr": dice.choice([person.personnummer, person.personnummer[2:], person.personnummer.replace("-", "")]),
            "company": company,
            "switchboard": "08-465 004 99" if company else "",
            "active": dice.choice("01"),
        }
    )
    person.records.add(f"crm/customer/{person.customer_no}")
    for at in range(dice.randrange(3)):
        rows["crm"]["invoice"].append({"id": f"F{number}-{at}", "customer": person.customer_no, "sum": "100"})
        person.records.add(f"crm/invoice/F{number}-{at}")
    if number % 2 == 0:
        rows["shop"]["account"].append(
            {
                "id": f"A{number}",
                "name": person.name,
                "mail": person.email,
                "phone": _spelled(person.phone, dice),
                "no": "",
            }
        )
        person.records.add(f"shop/account/A{number}")
    if number % 3 == 0:
        said = f"Hej, min skrivare krånglar. {person.name}"
        rows["desk"]["ticket"].append(
            {"id": f"T{number}", "from": person.email, "no": person.customer_no, "name": person.name, "text": said}
        )
        person.records.add(f"desk/ticket/T{number}")


def _strangers(people: Sequence[Person], rows: Mapping[str, Mapping[str, list[dict[str, str]]]]) -> None:
    """Records of people who are not in the list and have something of theirs."""
    for number, person in enumerate(people):
        account = {"id": f"X{number}", "name": "Valter Gammal", "mail": "", "phone": "", "no": ""}
        customer = dict.fromkeys(("mail", "phone", "pnr", "company", "switchboard"), "")
        customer |= {"no": f"OLD{number}", "name": "Valter Gammal", "active": "0"}
        if "recycled address" in person.traps:
            rows["shop"]["account"].append(account | {"mail": person.email})
        if "re-used phone" in person.traps:
            rows["crm"]["customer"].append(customer | {"phone": person.phone, "mail": f"valter{number}@example.org"})
        if "reissued number" in person.traps:
            rows["shop"]["account"].append(account | {"no": person.customer_no, "mail": f"valter{number}@example.org"})
        if number % 20 == 5:  # the attack: the victim's phone typed into an account of the attacker's own
            attack = {"id": f"E{number}", "name": person.name, "mail": f"eve{number}@attacker.example"}
            rows["shop"]["account"].append(account | attack | {"phone": person.phone})


def _spelled(phone: str, dice: random.Random) -> str:
    national = f"0{phone[3:]}"
    return dice.choice(
        [phone, national, f"0046 {phone[3:]}", f"+46 (0){phone[3:5]}-{phone[5:]}", f"{national[:3]} {national[3:]}"]
    )


# --------------------------------------------------------------------------------------------------------- systems

_OWN = 'asserted_by = "company"'


def _field(column: str, category: str, more: str = "") -> str:
    label = f'{{sv = "{column}", en = "{column}"}}'
    return f'{{column = "{column}", label = {label}, category = "{category}"{more and f", {more}"}}},'


_CRM = f"""
name = "crm"
kind = "sql"
label = {{sv = "CRM", en = "CRM"}}
[[object]]
name = "customer"
label = {{sv = "Kund", en = "Customer"}}
table = "customer"
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [
  {{by = "email", columns = ["mail"]}}, {{by = "phone", columns = ["phone"]}},
  {{by = "phone", columns = ["switchboard"]}}, {{by = "personnummer", columns = ["pnr"]}},
  {{by = "customer_no", columns = ["no"]}}, {{by = "name", columns = ["name"]}},
  {{by = "customer_no", columns = ["company"]}},
]
emits = {{no = "customer_no", mail = "email", phone = "phone", pnr = "personnummer"}}
fields = [
  {_field("no", "identity", _OWN)} {_field("name", "identity", _OWN)} {_field("mail", "contact", _OWN)}
  {_field("phone", "contact", _OWN)} {_field("pnr", "identity", _OWN)}
  {_field("company", "organisation", 'subject = "organisation", asserted_by = "company"')}
  {_field("switchboard", "contact", 'subject = "organisation", asserted_by = "company"')}
]
[[object]]
name = "invoice"
label = {{sv = "Faktura", en = "Invoice"}}
table = "invoice"
key = "id"
activities = ["A2"]
reached_from = [{{object = "customer", their = "no", ours = "customer"}}]
fields = [{_field("id", "order", _OWN)} {_field("customer", "identity", _OWN)} {_field("sum", "order", _OWN)}]
"""
_SHOP = f"""
name = "shop"
kind = "memory"
label = {{sv = "Butik", en = "Shop"}}
[[object]]
name = "account"
label = {{sv = "Konto", en = "Account"}}
key = "id"
activities = ["A10"]
person_name = ["name"]
find = [
  {{by = "email", columns = ["mail"]}}, {{by = "phone", columns = ["phone"]}}, {{by = "customer_no", columns = ["no"]}},
  {{by = "name", columns = ["name"]}},
]
emits = {{mail = "email", no = "customer_no"}}
fields = [
  {_field("id", "technical", _OWN)} {_field("name", "identity")}
  {_field("mail", "contact", 'asserted_by = "confirmed"')} {_field("phone", "contact")} {_field("no", "identity", _OWN)}
]
"""
_DESK = f"""
name = "desk"
kind = "memory"
label = {{sv = "Ärenden", en = "Tickets"}}
[[object]]
name = "ticket"
label = {{sv = "Ärende", en = "Ticket"}}
key = "id"
activities = ["A4"]
person_name = ["name"]
find = [
  {{by = "email", columns = ["from"]}}, {{by = "customer_no", columns = ["no"]}}, {{by = "name", columns = ["name"]}},
]
fields = [
  {_field("id", "technical", _OWN)} {_field("from", "contact")} {_field("no", "identity", _OWN)}
  {_field("name", "identity")} {_field("text", "note", "free_text = true")}
]
"""


def open_systems(folder: Path, rows: Mapping[str, Mapping[str, list[dict[str, str]]]]) -> dict[str, Searches]:
    """The three systems over *rows*: a real database, and two in memory."""
    engine = sa.create_engine(f"sqlite:///{folder}/crm.db")
    with engine.begin() as connection:
        for table, stored in rows["crm"].items():
            columns = list(stored[0])
            typed = ", ".join(f'"{each}" TEXT' for each in columns)
            connection.exec_driver_sql(f"CREATE TABLE {table} ({typed})")
            marks = ", ".join("?" for _ in columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608  # names of this file
                [tuple(row.values()) for row in stored],
            )
    engine.dispose()
    crm = parse_declaration(_CRM, source="crm")
    options = {"url": f"sqlite:///{folder}/crm.db"}
    systems: dict[str, Searches] = {"crm": open_connector("sql", name="crm", declaration=crm, options=options)}
    for name, text in {"shop": _SHOP, "desk": _DESK}.items():
        systems[name] = MemoryConnector(name=name, declaration=parse_declaration(text, source=name), rows=rows[name])
    return systems
