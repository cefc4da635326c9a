"""`dsar suppress`: a register is checked before it is used, and only a new consent lifts a no."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from office import Office, open_office
from openpyxl import Workbook, load_workbook

from dsar.cli import main

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
REGISTER = (
    "Namn;E-post;Telefon;Gata;Postnr;Ort\r\n"
    "Åsa Lind;asa.lind@example.org;070-174 06 90;Storgatan 1;432 44;Varberg\r\n"
    "John W;John.Whitfield@Example.com;;;;\r\n"
    "J Whitfield;;+46 (0)70 174 06 06;;;\r\n"
    'Whitfield;;;"Strandgatan 22";43243;VARBERG\r\n'
    "Granne;;;Strandgatan 24;432 43;Varberg\r\n"
).encode("cp1252")


@pytest.fixture
def erased(tmp_path: Path) -> Iterator[Office]:
    """John Whitfield is erased, and on the list by address, phone and postal address."""
    with open_office(tmp_path) as office:
        office.carried_out("John Whitfield <john.whitfield@example.com>", "Delete all data about me.\n", now=NOW)
        yield office


def run(office: Office, *arguments: str) -> Result:
    settings = str(office.app.settings.file)
    return CliRunner(env={"DSAR_ACTOR": "anna"}).invoke(main, ["--settings", settings, "suppress", *arguments])


def test_a_bought_register_is_cleaned_by_address_phone_and_postal_address(erased: Office, tmp_path: Path) -> None:
    (tmp_path / "bought.csv").write_bytes(REGISTER)

    result = run(erased, "check", str(tmp_path / "bought.csv"), "--clean", str(tmp_path / "clean.csv"))

    lines = REGISTER.splitlines(keepends=True)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "clean.csv").read_bytes() == lines[0] + lines[1] + lines[5]


def test_the_report_names_rows_and_channels_and_no_value(erased: Office, tmp_path: Path) -> None:
    (tmp_path / "bought.csv").write_bytes(REGISTER)

    result = run(erased, "check", str(tmp_path / "bought.csv"), "--report", str(tmp_path / "report.csv"))

    assert result.exit_code == 1
    report = (tmp_path / "report.csv").read_text("utf-8")
    assert report.splitlines() == ["Sheet;Row;Channels", ";3;email", ";4;phone", ";5;address"]


def test_a_workbook_is_cleaned_and_holds_nothing_else_of_them(erased: Office, tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["Namn", "E-post", "Poäng"])
    page.append(["John", "john.whitfield@example.com", 7])
    page.append(["Åsa", "asa.lind@example.org", 8])
    book.save(tmp_path / "bought.xlsx")

    result = run(erased, "check", str(tmp_path / "bought.xlsx"), "--clean", str(tmp_path / "clean.xlsx"))

    assert result.exit_code == 0, result.output
    content = (tmp_path / "clean.xlsx").read_bytes()
    rows = list(load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True))
    assert rows == [("Namn", "E-post", "Poäng"), ("Åsa", "asa.lind@example.org", 8)]


def test_a_file_that_cannot_be_written_back_is_refused(erased: Office, tmp_path: Path) -> None:
    (tmp_path / "bought.ods").write_bytes(b"PK")

    result = run(erased, "check", str(tmp_path / "bought.ods"))

    assert (result.exit_code, "save it as .xlsx" in result.output) == (2, True)


@pytest.mark.parametrize(("day", "exit_code", "answer"), [("2026-11-24", 2, "blocked"), ("2026-12-01", 0, "free")])
def test_only_a_later_consent_lifts_the_no(erased: Office, day: str, exit_code: int, answer: str) -> None:
    allowed = run(erased, "allow", "john.whitfield@example.com", "--opt-in", day)

    assert allowed.exit_code == exit_code
    assert run(erased, "check", "john.whitfield@example.com").output.strip() == answer


@pytest.mark.sqlite_file
def test_the_list_itself_names_nobody(erased: Office) -> None:
    with sqlite3.connect(erased.data.parent / "dsar.db") as connection:
        rows = connection.execute("SELECT digest, channel, case_reference FROM suppression").fetchall()

    assert {row[1] for row in rows} == {"email", "phone", "address"}
    assert all(len(row[0]) == 64 for row in rows)
