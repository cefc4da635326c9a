"""Two raw databases: an affärssystem in PostgreSQL, marketing registers in MariaDB."""

# ruff: noqa: E501  # rows of data and queries are read as one line each

import hashlib
import json
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from lab.people import (
    ANNA,
    COMPANIES,
    CONTACTS,
    ERIK,
    EVERYBODY,
    NAMESAKE,
    NEIGHBOUR,
    OTHERS,
    Person,
    hyphened,
    serial,
)  # fmt: skip
from lab.seeds.clients import port

_CONFIG = Path(__file__).parents[1] / "config"
_BOUGHT = "Köpt register: Adressbolaget Nord AB, leverans 2026-08"
_ERIKS_ADDRESS = "Västergatan 9, 311 31 Falkenberg"


class _Table:
    """INSERT by column names; returns what the database numbered."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def __call__(self, table: str, returning: str = "", **row: object) -> Any:
        columns, slots = ", ".join(row), ", ".join(["%s"] * len(row))
        tail = f" RETURNING {returning}" if returning else ""
        self._cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({slots}){tail}", list(row.values()))  # noqa: S608
        return self._cursor.fetchone()[0] if returning else None


# -------------------------------------------------------------------------------------------------------- affarssystem


def affarssystem() -> None:
    url = f"host=127.0.0.1 port={port('PG')} user=postgres dbname=affarssystem"
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute((_CONFIG / "affarssystem.sql").read_text("utf-8").encode())
        insert = _Table(cursor)
        for code, company in COMPANIES.items():
            orgnr = f"{company.orgnr[:6]}-{company.orgnr[6:]}" if company.orgnr else None
            insert(
                "kunder", kundnr=code, namn=company.name, kundtyp="foretag", orgnr=orgnr, epost=f"info@{company.domain}",
                telefon=company.phone, adress=company.street, postnr=company.postcode, ort=company.city,
            )  # fmt: skip
        contacts = {each.key: _customer(insert, each) for each in EVERYBODY}
        _trade(insert)
        _rentals(insert, contacts)
        _notes(insert, contacts)


def _customer(insert: _Table, person: Person) -> Any:
    """The number of a contact person; None for a private customer."""
    if person.company:
        other = json.dumps({"personnummer_kontakt": person.number})
        return insert(
            "kontakter", "id", kundnr=person.company, namn=person.name, befattning=person.title, epost=person.email,
            mobil=person.phone, aktiv=person.active, ovrigt=other,
        )  # fmt: skip
    return insert(
        "kunder", kundnr=person.number, namn=person.name, kundtyp="privat", epost=person.email, mobil=person.phone,
        orgnr=hyphened(person.personnummer) if person.personnummer else None, adress=person.street,
        postnr=person.postcode, ort=person.city, aktiv=person.active,
    )  # fmt: skip


def _trade(insert: _Table) -> None:
    order_no, invoice_no = 41000, 26000

    def sell(
        customer: str, reference: str, to: str, address: str, mail: str, year: int, *,
        text: str | None = None, device: str | None = None, invoiced: bool = True,
    ) -> None:  # fmt: skip
        nonlocal order_no, invoice_no
        order_no += 1
        insert(
            "ordrar", ordernr=order_no, kundnr=customer, orderdatum=f"{year}-04-1{order_no % 10}", er_referens=reference,
            var_referens="Säljare Ett", leveransnamn=to, leveransadress=address, fritext=text,
        )  # fmt: skip
        article, price = ("Kopiator MX-4071", 24900) if device else ("Toner svart", 995)
        insert("orderrader", ordernr=order_no, artikel=article, antal=1, pris=price, serienr=device)
        if not invoiced:
            return
        invoice_no += 1
        insert(
            "fakturor", fakturanr=invoice_no, kundnr=customer, ordernr=order_no, fakturadatum=f"{year}-04-20",
            forfallodatum=f"{year}-05-20", belopp=995, moms=199, mottagare=to, mottagare_adress=address,
            faktura_epost=mail, er_referens=reference, rakenskapsar=year, fritext=text,
        )  # fmt: skip

    neighbour = "Lämnas hos granne om ej hemma, ring 070-7654321"
    sell(ERIK.number, ERIK.name, ERIK.name, _ERIKS_ADDRESS, ERIK.email, 2025, text=neighbour)
    sell(ERIK.number, ERIK.name, ERIK.name, _ERIKS_ADDRESS, ERIK.email, 2017)
    sell("K10234", ANNA.name, ANNA.employer, ANNA.address, "info@tandvard.example", 2026, device="XM4521A00017")
    for number, each in enumerate(OTHERS[::2]):
        customer, to = each.company or each.number, each.employer or each.name
        sell(customer, each.name, to, each.address, each.email, 2021 + number % 6, invoiced=number % 3 > 0)


def _rentals(insert: _Table, contacts: dict[str, Any]) -> None:
    insert(
        "hyresavtal", avtalsnr="H-1001", kundnr="K10234", kontakt_id=contacts["anna"], serienr="XM4521A00017",
        modell="MX-4071", start="2025-02-01", slut="2028-01-31", installationsadress=f"{ANNA.address}, reception",
        villkor="Kontakt på plats: Anna-Lena Öberg 070-123 45 67",
    )  # fmt: skip
    insert(
        "hyresavtal", avtalsnr="H-1002", kundnr=ERIK.number, serienr="XM4521A00099", modell="MX-4071",
        start="2024-06-01", slut="2027-05-31", installationsadress=_ERIKS_ADDRESS,
        villkor="Privat hyresman, personnr 19121212-1212",
    )  # fmt: skip
    for number, each in enumerate(CONTACTS[:16]):
        insert(
            "hyresavtal", avtalsnr=f"H-11{number:02d}", kundnr=each.company, kontakt_id=contacts[each.key],
            serienr=serial(number), modell="MX-3071", start="2025-09-01", slut="2028-08-31",
            installationsadress=each.address,
        )  # fmt: skip
    trouble, noise = "Papperstrassel, ring Anna-Lena", "Hyrskrivaren låter, kunden hemma efter 17"
    insert(
        "service",
        kundnr="K10234",
        serienr="XM4521A00017",
        anmald_av=ANNA.name,
        telefon="0701234567",
        beskrivning=trouble,
    )
    insert(
        "service",
        kundnr=ERIK.number,
        serienr="XM4521A00099",
        anmald_av="Erik L",
        telefon="+46707654321",
        beskrivning=noise,
    )


def _notes(insert: _Table, contacts: dict[str, Any]) -> None:
    cheaper = "Erik har bett om lägre hyra. Mejl: ERIK.LINDQVIST@EXAMPLE.SE"
    insert("anteckningar", kundnr=ERIK.number, av="saljare1", fritext=cheaper)
    away = "Anna-Lena Öberg är föräldraledig till maj, vikarie info@tandvard.example"
    insert("anteckningar", kundnr="K10234", kontakt_id=contacts["anna"], av="saljare2", fritext=away)
    for each in OTHERS[::4]:
        text = f"Ringde {each.name} på {each.phone}, återkommer"
        customer = each.company or each.number
        insert("anteckningar", kundnr=customer, kontakt_id=contacts[each.key], av="saljare2", fritext=text)
    spare = f"Nyckel finns. Ring grannen {NEIGHBOUR} om kunden inte svarar."
    insert("anteckningar", kundnr=ERIK.number, av="saljare2", fritext=spare)


# ------------------------------------------------------------------------------------------------------ marknadsforing


def marknadsforing() -> None:
    engine = sa.create_engine(f"mysql+pymysql://root@127.0.0.1:{port('MARIA')}/?charset=utf8mb4")
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE marknadsforing CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci")
        cursor.execute("USE marknadsforing")
        for statement in (_CONFIG / "marknadsforing.sql").read_text("utf-8").split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        for user, password, rights in (
            ("dsar_las", "las", "SELECT"),
            ("dsar_skriv", "skriv", "SELECT, UPDATE, DELETE"),
        ):
            cursor.execute(f"CREATE USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}' REQUIRE SSL")
            cursor.execute(f"GRANT {rights} ON marknadsforing.* TO '{user}'@'127.0.0.1'")
        insert = _Table(cursor)
        _subscribers(insert)
        _post(insert)
        _sent(insert)
        connection.commit()


def _subscribers(insert: _Table) -> None:
    for number, each in enumerate((ERIK, ANNA, *OTHERS)):
        asked = each == ERIK or bool(number % 3)
        insert(
            "epost_prenumerant", epost=each.email, fornamn=each.first, efternamn=each.last, foretag=each.employer or None,
            status="avregistrerad" if number % 11 == 9 else "aktiv", kalla="Kontaktformulär webb" if asked else _BOUGHT,
            samtycke=f"2025-03-0{1 + number % 9} 12:00:00" if asked else None, ip=f"192.0.2.{number + 1}",
            extra=json.dumps({"mobil": each.phone, "intresse": ["skrivare"]}),
        )  # fmt: skip
    for each in (ERIK, *OTHERS[::2]):
        insert("sms_mottagare", mobil=each.phone, namn=each.name, kalla="Kundavtal")


def _post(insert: _Table) -> None:
    for number, each in enumerate((ERIK, ANNA, NAMESAKE, *OTHERS)):
        bought = number % 2 == 0
        insert(
            "post_register", namn=each.name.upper() if number % 4 == 3 else each.name, foretag=each.employer or None,
            befattning=each.title, adress=each.street, postnr=each.postcode.replace(" ", ""), ort=each.city.upper(),
            telefon=None if bought else each.phone, kalla=_BOUGHT if bought else "Eget register",
            inkopt="2026-08-15" if bought else None, far_anvandas_till="2026-11-15" if bought else None,
        )  # fmt: skip


def _sent(insert: _Table) -> None:
    for number, each in enumerate((ERIK, ANNA, *OTHERS[:20])):
        mail = EmailMessage()
        mail["From"], mail["To"] = "Nyhetsbrev <nyheter@nyhetsbrev.example>", f"{each.name} <{each.email}>"
        mail["Subject"], mail["Date"] = "Höstens kampanj", "Mon, 12 Oct 2026 09:15:00 +0200"
        text = f"Hej {each.first}! Erbjudande till {each.street} i {each.city}."
        mail.set_content(text, charset="utf-8", cte="base64" if number % 2 else "quoted-printable")
        insert("utskick", kampanj="Höstkampanj 2026", kanal="epost", mottagare=each.email, mime=mail.as_bytes())
    insert("utskick", kampanj="Påminnelse", kanal="sms", mottagare="+46707654321")
    digest = hashlib.sha256(b"tidigare.kund@mejl.example").hexdigest()
    insert("sparrlista", kanal="epost", varde_sha256=digest, orsak="Invändning mot direktmarknadsföring")
