"""Erasure over the whole lab, killed again and again, and a sweep of all that the products can still read."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import sqlalchemy as sa
import sweep
from journeys.company import body

from dsar.declaration import load_declaration
from lab.company import LabCompany
from lab.people import ERIK, hyphened
from lab.seeds.clients import AREA, port
from lab.test_changes import DATABASES

REQUEST = f"Hej!\n\nRadera alla uppgifter som ni har om mig.\n\n{ERIK.name}\nKundnummer {ERIK.number}\n"

#: What tells that something is about Erik. His customer number is the key of emptied rows, as the letter says.
CANARIES = (
    *(ERIK.name, f"{ERIK.last} {ERIK.first}", f"{ERIK.last}, {ERIK.first}", ERIK.email, "erik.privat@example.org"),
    *(ERIK.phone, "0707654321", "46707654321", ERIK.street, hyphened(ERIK.personnummer or ""), "121212-1212"),
)
#: Below the work area: where the products keep files of their own, mailboxes, queues and logs.
FOLDERS = ("files", "carddav", "dovecot", "mailman", "tryton", "vendure", "rt", "zabbix")
#: Programs, and the raw pages of databases, which are read as databases.
NOT_SWEPT = ("v", "node_modules", "www", "rtdb", "rtdb.tpl", "mailman.db")
#: So many steps are begun before whoever carries them out is killed.
STEPS_UNTIL_DEATH = 1


def close_matters() -> None:
    """Erik's rentals and his sale are over, as their own staff would have it: nothing is pending."""
    with psycopg.connect(f"host=127.0.0.1 port={port('PG')} user=postgres dbname=affarssystem") as business:
        business.execute("UPDATE hyresavtal SET status = 'avslutad', slut = '2026-10-31' WHERE avtalsnr = 'H-1002'")
    with psycopg.connect(f"host=127.0.0.1 port={port('PG')} user=postgres dbname=tryton") as tryton:
        row = tryton.execute("SELECT id FROM party_party WHERE code = %s", [ERIK.number]).fetchone()
        tryton.execute("UPDATE sale_sale SET state = 'done' WHERE party = %s", row)
        tryton.execute("UPDATE sale_rental SET state = 'cancelled' WHERE party = %s", row)


def left() -> dict[str, set[str]]:
    """{system, and table.column or file: what it still holds of Erik}"""
    found: dict[str, set[str]] = {}
    for name, url in DATABASES.items():
        engine = sa.create_engine(url)
        found |= {f"{name}:{place}": hits for place, hits in sweep.in_database(engine, CANARIES).items()}
        engine.dispose()
    for folder in FOLDERS:
        swept = sweep.in_folder(AREA / folder, CANARIES, without=NOT_SWEPT)
        found |= {f"{folder}:{place}": hits for place, hits in swept.items()}
    return found


def place_of(found: str) -> str:
    """The table of a column; a file as it is."""
    system, _, place = found.partition(":")
    return f"{system}:{place.partition('.')[0]}" if system in DATABASES and "/" not in place else found


def kept(company: LabCompany, reference: str) -> set[str]:
    """Where the lines lie that the plan keeps; the letter tells exactly these."""
    home = Path(__file__).parent / "systems"
    places = set()
    for step in company.ok("show", reference, "--plan", "--json").lines:
        if step["action"] == "keep":
            declared = load_declaration(home / f"{step['system']}.toml").object(step["object"], step["key"])
            table = declared.table or step["object"].replace(".", "_")
            places.add(f"{step['system']}:{step['key'] if declared.file else table}")
    return places


def approve_and_kill(company: LabCompany, reference: str) -> int:
    """Approve, and kill whoever carries the plan out whenever some steps more are begun; how often."""
    kills, command = 0, ["approve", reference]
    while True:
        begun = ledger(company)
        process = subprocess.Popen(
            [sys.executable, "-m", "dsar", "--settings", str(company.settings), *command],
            env={**os.environ, "DSAR_ACTOR": "bo"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and ledger(company) < begun + STEPS_UNTIL_DEATH:
            time.sleep(0.005)
        if process.poll() is not None:
            return kills
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        kills, command = kills + 1, ["poll"]


def ledger(company: LabCompany) -> int:
    """How many steps were begun."""
    return int(company.rows("SELECT count(*) FROM ledger")[0][0])


def test_a_sweep_of_the_whole_lab_finds_only_what_the_letter_says_is_kept(company: LabCompany) -> None:
    close_matters()
    assert {place.partition(":")[0] for place in left()} == {*DATABASES, "files", "carddav", "dovecot"}
    company.write(f"{ERIK.name} <{ERIK.email}>", REQUEST)
    company.ok("poll")
    reference = company.queue()[0]["reference"]
    case = reference.partition("/")[0]
    company.ok("verify", case, "--method", "id_shown")
    company.ok("decide", case, "--accept")
    company.ok("poll")
    allowed = kept(company, reference)
    assert allowed == {"affarssystem:fakturor", "tryton:account_invoice", "files:rekrytering/CV Helena.docx"}
    company.ok("show", reference, "--letter", actor="bo")

    kills = approve_and_kill(company, reference)

    assert kills > 5
    assert {place_of(place) for place in left()} == allowed
    assert company.rows("SELECT state, count(*) FROM ledger GROUP BY state") == [("done", ledger(company))]
    text = " ".join(body(company.letters_to(ERIK.email)[-1]).split())
    assert "bokföringslagen (1999:1078) 7 kap. 2 §" in text
    assert "diskrimineringslagen (2008:567) 6 kap. 4 §" in text


def test_what_a_nightly_transfer_brings_back_reopens_the_case(company: LabCompany) -> None:
    """The case of the test above: a transfer writes Erik into the register of text messages once more."""
    engine = sa.create_engine(DATABASES["marknadsforing"])
    with engine.begin() as connection:
        again = "INSERT INTO sms_mottagare (mobil, namn, kalla) VALUES ('070-765 43 21', 'Erik Lindqvist', 'Kundavtal')"
        connection.execute(sa.text(again))
    engine.dispose()
    company.rows("UPDATE duty SET due_on = '2026-01-01' WHERE kind = 'verify_again'")
    company.rows("UPDATE work SET due_at = '2026-01-01 06:00:00' WHERE step = 'duty'")

    company.ok("poll")

    (waiting,) = [line for line in company.queue() if re.fullmatch(r"D-\d{4}-\d{5}/erase", line["reference"])]
    assert (waiting["state"], "data_returned" in waiting["flags"]) == ("review", True)
