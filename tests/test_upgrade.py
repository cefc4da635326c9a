"""
A database of the first release -> this version: nothing is lost, and work goes on.

tests/upgrade holds what that release wrote: an access case that it answered on 2 March 2026, whose data were removed
since, an erasure that is open, a mail that waits. The master key is that of the other tests.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from databases import Server
from office import Office, open_office

from dsar.casework import figures, identifying, intake, purging, searching, views
from dsar.cli import main
from dsar.lifecycle import Outcome, State
from dsar.store import Store, copying, migrate
from dsar.wiring import open_session

pytestmark = pytest.mark.sqlite_file  # the first release knew nothing else

WROTE = Path(__file__).parent / "upgrade"
#: What `dsar audit verify` of that release said.
HEAD, SEALED = "420d9a2436690cdd995d898de40037f7ab447e468a56a85dc85274b334f5a037", 18
NOW = datetime(2026, 3, 6, 9, tzinfo=UTC)


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """Settings, and the databases as the first release left them."""
    with open_office(tmp_path):
        pass
    for name, sql in (("dsar", "first_tables"), ("dsar-keys", "first_keys")):
        for file in tmp_path.glob(f"{name}.db*"):
            file.unlink()
        with sqlite3.connect(tmp_path / f"{name}.db") as connection:
            connection.executescript((WROTE / f"{sql}.sql").read_text("utf-8"))
        connection.close()
    return tmp_path


@pytest.fixture
def office(installation: Path) -> Iterator[Office]:
    """After `dsar db upgrade`."""
    upgraded = CliRunner().invoke(main, ["--settings", str(installation / "settings.ini"), "db", "upgrade"])
    assert upgraded.exit_code == 0, upgraded.output
    with open_session(installation / "settings.ini") as session:
        yield Office(session, installation)


def test_the_tables_are_exactly_those_of_this_version(office: Office) -> None:
    migrate.check_complete(office.app.store.engine)


def test_the_audit_trail_is_the_same(office: Office) -> None:
    with office.app.store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.head, report.broken_at) == (SEALED, HEAD, None)


def test_mails_and_letters_can_be_read(office: Office) -> None:
    with office.app.store.transaction() as tx:
        ((_, message),) = tx.case_messages(1)
    assert "I want a copy of all data" in intake.read(office.app, message).text
    assert views.head(office.app, office.only_case(), actor="anna", now=NOW).name == "John Whitfield"


def test_an_answer_of_then_counts_in_the_figures(office: Office) -> None:
    march = {"first_on": date(2026, 3, 1), "last_on": date(2026, 3, 31)}
    total = figures.statistics(office.app, **march, today=date(2026, 4, 1)).total
    assert (total.received, total.in_time, dict(total.outcomes)) == (3, 1, {Outcome.FULFILLED: 1})


def test_an_erasure_that_was_under_way_goes_on(office: Office) -> None:
    with office.app.store.transaction() as tx:
        (request,) = tx.requests(2)
    assert (request.right, request.state) == ("erase", State.IDENTITY)
    identifying.identify(office.app, 2, now=NOW)
    searching.collect(office.app, 2, attempt=1, now=NOW)
    with office.app.store.transaction() as tx:
        (request,) = tx.requests(2)
    assert request.state == State.REVIEW


def test_what_waited_for_a_person_still_does(office: Office) -> None:
    waiting = {line.reference for line in views.queue(office.app, now=NOW)}
    assert waiting == {"D-2026-00002/erase", "M-3"}


def test_what_is_old_enough_goes(office: Office) -> None:
    gone = purging.purge(office.app, now=NOW + timedelta(days=800))
    assert ("case", "D-2026-00001") in [(each.what, each.reference) for each in gone]


def test_without_the_upgrade_a_command_says_what_to_do(installation: Path) -> None:
    told = CliRunner(env={"DSAR_ACTOR": "anna"}).invoke(
        main, ["--settings", str(installation / "settings.ini"), "queue"]
    )
    assert (told.exit_code, "run 'dsar db upgrade'" in told.output) == (3, True)


def test_the_same_on_postgresql(installation: Path, postgresql: Server) -> None:
    """The rows of then in the tables of then, and every migration after that."""
    old = Store(f"sqlite:///{installation}/dsar.db")
    new = Store(postgresql.new_database())
    _, *rows = copying.lines(old.engine)
    migrate.upgrade(new.engine, "0001")
    copying.fill(new.engine, rows)
    migrate.upgrade(new.engine)
    migrate.check_complete(new.engine)
    with new.transaction() as tx:
        assert tx.verify_chain().head == HEAD
        assert [time.closings[0].outcome for time in tx.request_times() if time.closings] == [Outcome.FULFILLED]
    old.close()
    new.close()


def test_an_upgrade_that_cannot_end_changes_nothing(installation: Path) -> None:
    """All migrations or none: here a row points to nothing, which the last look finds."""
    with sqlite3.connect(installation / "dsar.db") as connection:
        connection.execute("UPDATE case_index SET case_id = 999")
        before = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    store = Store(f"sqlite:///{installation}/dsar.db")
    with pytest.raises(RuntimeError, match="case_index"):
        migrate.upgrade(store.engine)
    store.close()
    with sqlite3.connect(installation / "dsar.db") as connection:
        after = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
        version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert (after, version) == (before, ("0001",))
