"""`dsar stats`: the figures of a real database through the command line."""

import csv
import io
import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_settings import SMALLEST

from dsar.cli import main
from dsar.lifecycle import Event, Outcome
from dsar.store import Store, migrate
from dsar.store.tables import CaseFile, Request

REGISTER = Path(__file__).parent.parent / "connectors" / "samples" / "register.toml"


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """A database with two requests: received in October and closed late in November; received in November and open."""
    file = tmp_path / "settings.ini"
    file.write_text(SMALLEST.replace("register.toml", str(REGISTER)), "utf-8")
    store = Store(f"sqlite:///{tmp_path}/dsar.db")
    migrate.upgrade(store.engine)
    with store.transaction() as tx:
        case = tx.add_case(
            CaseFile(
                reference="D-2026-00001", opened_at=datetime(2026, 10, 1, tzinfo=UTC), language="sv", requester="self"
            )
        )
        access = _request(case, "access", received_at=datetime(2026, 10, 1, 23, 0, tzinfo=UTC))
        access.state = "dispatching"
        tx.add_request(access)
        answered_at = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
        tx.advance(
            access, Event.DISPATCHED, actor="dsar", at=answered_at, outcome=Outcome.FULFILLED, closed_at=answered_at
        )
        tx.add_request(_request(case, "erase", received_at=datetime(2026, 11, 2, tzinfo=UTC)))
    store.close()
    return file


def _request(case: CaseFile, right: str, *, received_at: datetime) -> Request:
    due = date(2026, 11, 2)
    return Request(
        case_id=case.id or 0, right=right, state="review", received_at=received_at, send_by_on=due, legal_on=due
    )


def _stats(settings_file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(settings_file), "stats", *arguments])


def test_a_month_as_json(settings_file: Path) -> None:
    answer = json.loads(_stats(settings_file, "--month", "2026-11", "--json").stdout)
    access, total = answer["rights"]["access"], answer["total"]
    assert (access["received"], access["closed"], access["late"], access["gross_days"]["max"]) == (0, 1, 1, 32)
    assert (total["received"], total["open_at_end"]) == (1, 1)


def test_a_period_as_csv(settings_file: Path) -> None:
    out = _stats(settings_file, "--from", "2026-10-01", "--to", "2026-11-30", "--format", "csv").stdout
    total = list(csv.DictReader(io.StringIO(out)))[-1]
    assert (total["from"], total["to"], total["received"], total["closed"]) == ("2026-10-01", "2026-11-30", "2", "1")


def test_a_table_by_default(settings_file: Path) -> None:
    out = _stats(settings_file, "--month", "2026-10").stdout
    assert out.startswith("2026-10-01 to 2026-10-31, as of ")
    assert ["Received", "0", "0", "1", "0", "0", "1"] in [line.split() for line in out.splitlines()]


def test_a_quarter(settings_file: Path) -> None:
    answer = json.loads(_stats(settings_file, "--quarter", "2026-Q4", "--json").stdout)
    assert (answer["from"], answer["to"], answer["total"]["received"]) == ("2026-10-01", "2026-12-31", 2)


@pytest.mark.parametrize(("form", "begins"), [("html", b"<!doctype html>"), ("pdf", b"%PDF-")])
def test_a_page_and_a_sheet_are_written_for_the_caller_alone(settings_file: Path, form: str, begins: bytes) -> None:
    file = settings_file.parent / f"stats.{form}"
    assert _stats(settings_file, "--month", "2026-11", "--format", form, "--to-file", str(file)).exit_code == 0
    assert file.read_bytes().startswith(begins)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_may_be_published_hides_small_counts(settings_file: Path) -> None:
    answer = json.loads(_stats(settings_file, "--month", "2026-11", "--publish", "--json").stdout)
    assert [row["received"] for row in answer["rows"]] == [None]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--quarter", "2026-Q5"],
        ["--quarter", "2026-Q4", "--month", "2026-10"],
        ["--format", "pdf"],
        ["--format", "table", "--to-file", "x"],
        ["--publish", "--format", "html"],
        ["--month", "October"],
        ["--month", "2026-13"],
        ["--month", "2026-10", "--to", "2026-10-31"],
        ["--from", "2026-10-01"],
        ["--from", "2026-10-31", "--to", "2026-10-01"],
        ["--from", "2026-10-31", "--to", "yesterday"],
    ],
)
def test_bad_input_gives_one_sentence_and_exit_code_2(settings_file: Path, arguments: list[str]) -> None:
    result = _stats(settings_file, *arguments)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)


def test_the_table_speaks_the_language_of_who_reads_it(settings_file: Path) -> None:
    """Names of rights are those that are typed."""
    arguments = ["--settings", str(settings_file), "stats", "--month", "2026-11"]
    lines = CliRunner().invoke(main, arguments, env={"LANG": "sv_SE.UTF-8"}).stdout.splitlines()
    assert lines[0].startswith("2026-11-01 till 2026-11-30, läget den ")
    assert lines[2].split() == ["object", "restrict", "access", "update", "erase", "alla"]
    assert ["Inkomna", "0", "0", "0", "0", "1", "1"] in [line.split() for line in lines]
