"""Versions are exchanged machine by machine: what works on when the tables change beneath it, and what stops."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .company import Company
from .test_crew import REQUEST, asker, cases, is_done, wait_for

pytestmark = pytest.mark.journey

#: What the migration of a later version may do: add.
LATER = (
    "ALTER TABLE work ADD COLUMN shade VARCHAR NOT NULL DEFAULT ''",
    "CREATE TABLE invented_later (id INTEGER PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)
#: What one writes that takes away.
TAKEN_AWAY = "INSERT INTO schema_floor VALUES ('9999')"


@contextmanager
def working(company: Company) -> Iterator["subprocess.Popen[str]"]:
    """`dsar run` with two workers, until it ends or the block does."""
    command = ["-m", "dsar", "--settings", str(company.settings), "run", "--interval", "2", "--workers", "2"]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: len(company.rows("SELECT 1 FROM worker")) == 2)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)


def upgrade(company: Company, *more: str) -> None:
    """The next version's `dsar db upgrade`."""
    for statement in (*LATER, *more):
        company.rows(statement)


def test_a_worker_goes_on_when_the_tables_of_the_next_version_only_add(company: Company) -> None:
    with working(company) as process:
        upgrade(company)
        company.write(asker(1), REQUEST)
        wait_for(lambda: cases(company) == 1 and is_done(company))
        assert process.poll() is None
    assert company.rows("SELECT count(*) FROM outbox WHERE state = 'sent'") == [(2,)]


def test_a_worker_stops_by_itself_when_the_tables_are_no_longer_made_for_it(company: Company) -> None:
    """It ends what it is at and leaves nothing leased, and says what to do; systemd tries again until that is done."""
    with working(company) as process:
        upgrade(company, TAKEN_AWAY)
        said = process.communicate(timeout=90)[1]
    assert (process.returncode, "of a later version of dsar; install that one" in said) == (3, True)
    assert company.rows("SELECT name FROM worker") == []
    assert company.rows("SELECT name FROM lease") == []


def test_no_command_of_an_older_version_touches_such_tables(company: Company) -> None:
    upgrade(company, TAKEN_AWAY)
    done = company.dsar("queue")
    assert (done.exit_code, "install that one on this machine" in done.err) == (3, True)


def test_a_new_version_waits_for_the_upgrade(company: Company) -> None:
    """It may be installed and started on one machine before the tables are changed."""
    company.rows("UPDATE alembic_version SET version_num = '0010'")
    done = company.dsar("run")
    assert (done.exit_code, "run 'dsar db upgrade'" in done.err) == (3, True)
