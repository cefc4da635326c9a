"""A system that marks a person's protected identity by a code of its own restricts their case (law: Art. 32 GDPR)."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from office import Office, open_office
from test_attacks import CLAIM, MALLORY, PLAIN, VICTIM, work

from dsar.casework import protecting
from dsar.errors import NotPermittedError
from dsar.wiring import open_session


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The business system has a column `spar` with "S" for who has a sekretessmarkering, and else "N"."""
    with open_office(tmp_path) as opened:
        data = opened.data
    with sqlite3.connect(data / "business.db") as database:
        database.execute("ALTER TABLE customers ADD COLUMN spar TEXT DEFAULT 'N'")
    declaration = data / "business.toml"
    text = declaration.read_text("utf-8")
    at = '  {column = "active", '
    field = '{column = "spar", label = {sv = "SPAR", en = "SPAR"}, category = "technical"}'
    text = text.replace(at, f"  {field},\n{at}", 1)
    text = text.replace('table = "customers"\n', 'table = "customers"\nprotected_if = {spar = "S"}\n', 1)
    declaration.write_text(text, "utf-8")
    with open_session(tmp_path / "settings.ini") as session:
        yield Office(session, tmp_path)


def mark(office: Office, code: str) -> None:
    with sqlite3.connect(office.data / "business.db") as database:
        database.execute("UPDATE customers SET spar = ? WHERE customer_no = 'K20004'", (code,))


def mails_to_the_person(office: Office) -> int:
    with office.app.store.transaction() as tx:
        return len(tx.challenges(1))


def test_the_persons_own_case_is_restricted_and_answered_by_post(office: Office) -> None:
    mark(office, "S")
    office.receive(VICTIM, PLAIN)
    work(office)
    case = office.only_case()
    assert (protecting.PROTECTED in case.flags, protecting.channel_of(case)) == (True, protecting.POST)
    with pytest.raises(NotPermittedError, match="restricted to named staff"):
        protecting.check(office.app.settings, case, "cai")


def test_who_asks_in_their_name_brings_them_no_code(office: Office) -> None:
    mark(office, "S")
    office.receive(MALLORY, CLAIM)
    work(office)
    assert (protecting.PROTECTED in office.only_case().flags, mails_to_the_person(office)) == (True, 0)


@pytest.mark.parametrize("code", ["N", "", "s?"])
def test_any_other_code_restricts_nothing(office: Office, code: str) -> None:
    mark(office, code)
    office.receive(VICTIM, PLAIN)
    work(office)
    assert protecting.PROTECTED not in office.only_case().flags
