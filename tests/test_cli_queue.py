"""`dsar queue` as staff read it: what is urgent, what fits the filters, whose it is."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from office import Office, open_office

from dsar.cli import main

MARIA, JOHN = "Maria Öberg <maria.oberg@example.se>", "John Whitfield <john.whitfield@example.com>"
ACCESS = "Hej!\n\nJag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"
ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An erasure of today and an access request of five weeks ago; anna handles both and is away, bo stands in."""
    folder = tmp_path_factory.mktemp("office")
    away = f"deputy = bo\nabsent = {TODAY - timedelta(days=1)}..{TODAY + timedelta(days=1)}\n"
    with open_office(folder, more={"staff.anna": away}) as office:
        _fill(office)
    return folder / "settings.ini"


def _fill(office: Office) -> None:
    office.receive(JOHN, ERASE)
    office.receive(MARIA, ACCESS, at=datetime.now(UTC) - timedelta(days=35))


def queue(settings: Path, *arguments: str, actor: str = "bo") -> str:
    done = CliRunner().invoke(main, ["--settings", str(settings), "queue", *arguments], env={"DSAR_ACTOR": actor})
    assert done.exit_code == 0, done.output
    return done.output


def references(settings: Path, *arguments: str, actor: str = "bo") -> list[str]:
    lines = queue(settings, *arguments, "--json", actor=actor).splitlines()
    return [json.loads(line)["reference"] for line in lines]


def test_what_is_late_comes_first_with_a_sign(settings: Path) -> None:
    first, second = queue(settings).splitlines()[1:3]
    assert re.match(r"!! +D-\d+-\d+/access ", first)
    assert re.match(r" +D-\d+-\d+/erase ", second)


def test_the_sum_names_the_next_command(settings: Path) -> None:
    assert queue(settings).splitlines()[-1] == (
        "2 entries, !! 1 late. 'dsar review' walks through what waits for a person."
    )


@pytest.mark.parametrize(
    ("filters", "rights"),
    [
        ((), ["access", "erase"]),
        (("--due",), ["access"]),
        (("--right", "erase"), ["erase"]),
        (("--right", "update"), []),
        (("--flag", "breach"), []),
        (("--handler", "anna"), ["access", "erase"]),
        (("--handler", "bo"), []),
        (("--handler", "anna", "--right", "access"), ["access"]),
        (("--state", "triage"), []),
    ],
)
def test_filters_leave_what_fits_all_of_them(settings: Path, filters: tuple[str, ...], rights: list[str]) -> None:
    assert [each.partition("/")[2] for each in references(settings, *filters)] == rights


def test_what_fits_no_filter_says_how_much_there_is_without(settings: Path) -> None:
    assert queue(settings, "--flag", "breach") == "Nothing waits that fits; without filters there are 2 entries.\n"


def test_an_unknown_handler_is_told_who_there_is(settings: Path) -> None:
    done = CliRunner().invoke(
        main, ["--settings", str(settings), "queue", "--handler", "eve"], env={"DSAR_ACTOR": "bo"}
    )
    assert (done.exit_code, "there are anna, bo" in done.output) == (2, True)


def test_cases_of_the_absent_are_the_deputys_too(settings: Path) -> None:
    assert len(references(settings, "--mine", actor="bo")) == 2


def test_the_absent_still_have_their_own(settings: Path) -> None:
    assert len(references(settings, "--mine", actor="anna")) == 2


def test_nothing_slow_is_imported_that_the_queue_does_not_need(settings: Path) -> None:
    """0.7 s with 100,000 cases leaves no time for it (benchmarks/bench_stats.py)."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dsar", "--settings", str(settings), "queue"],
        env={**os.environ, "DSAR_ACTOR": "bo"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    imported = set(re.findall(r"\|\s+([\w.]+)\n", done.stderr))
    slow = {
        "alembic",
        "openpyxl",
        "reportlab",
        "pikepdf",
        "rich",
        "httpx2",
        "jinja2",
        "dsar.declaration",
        "connectors.sql",
    }
    assert imported & {"dsar.casework.waiting", *slow} == {"dsar.casework.waiting"}


def test_what_waits_is_shown_while_a_declaration_is_being_mended(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.receive(JOHN, ERASE)
    (tmp_path / "data" / "webshop.toml").write_text("halfway =\n", "utf-8")
    assert len(references(tmp_path / "settings.ini")) == 1


def test_a_command_that_does_something_demands_every_declaration_first(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.receive(JOHN, ERASE)
    (tmp_path / "data" / "webshop.toml").write_text("halfway =\n", "utf-8")
    done = CliRunner().invoke(main, ["--settings", str(tmp_path / "settings.ini"), "poll"], env={"DSAR_ACTOR": "bo"})
    assert (done.exit_code, "webshop.toml:1: not TOML" in done.output) == (2, True)
