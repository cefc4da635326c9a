"""An installation that outgrows its machine: moved to PostgreSQL, and worked on by several processes that may die."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email import message_from_bytes

import pytest
import sqlalchemy as sa
from databases import Own, Server

from dsar.store import SqlKeyStore, moving
from dsar.store.keys import TABLES

from .company import Company

pytestmark = pytest.mark.journey

REQUEST = "Hej! Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."


def asker(number: int) -> str:
    return f"Person {number} <person{number}@example.se>"


def move(company: Company, server: Server, there: Own | None = None) -> None:
    """Take the installation to PostgreSQL, as docs/operations.md says. Args: there: new databases, unless said."""
    there = there or Own(url=server.new_database(), keys_url=server.new_database())
    text = company.settings.read_text("utf-8")
    for old, new in ((company.databases.url, there.url), (company.databases.keys_url, there.keys_url)):
        text = text.replace(f"url = {old}", f"url = {new}")
    target = company.folder / "postgresql.ini"
    target.write_text(text, "utf-8")
    company.ok("db", "move", "--to", str(target))
    company.settings, company.databases = target, there


@pytest.fixture
def moved(company: Company, postgresql: Server) -> Company:
    """A company whose data lie in PostgreSQL."""
    move(company, postgresql)
    return company


@contextmanager
def running(company: Company, *, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    """`dsar run` for as long as the block lasts."""
    command = ["-m", "dsar", "--settings", str(company.settings), "run", "--interval", "2", "--workers", str(workers)]
    process = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.2)


def helpers_of(company: Company, first: "subprocess.Popen[bytes]") -> list[int]:
    """The processes of the crew but the one that was started, which reads the mailbox and replaces the others."""
    crew = [int(name.rpartition(":")[2]) for (name,) in company.rows("SELECT name FROM worker")]
    return [process for process in crew if process != first.pid]


def cases(company: Company) -> int:
    ((count,),) = company.rows("SELECT count(*) FROM case_file")
    return int(count)


def is_done(company: Company) -> bool:
    """Nothing is due but evidence for a mail that was on its way when its worker was killed, which takes its time."""
    return all(each["step"] == "reconcile" for each in company.ok("work", "--json").lines)


# ------------------------------------------------------------------------------------------------------------ moving


def test_a_case_goes_on_in_the_database_to_which_it_was_moved(company: Company, postgresql: Server) -> None:
    company.write("Maria Öberg <maria.oberg@example.se>", REQUEST)
    company.ok("poll")
    before, trail = company.queue(), company.rows("SELECT id, name FROM event ORDER BY id")

    move(company, postgresql)

    assert company.queue() == before
    assert company.rows("SELECT id, name FROM event ORDER BY id")[: len(trail)] == trail
    company.ok("audit", "verify")
    company.ok("show", before[0]["reference"], "--letter", actor="bo")
    company.ok("approve", before[0]["reference"], actor="bo")
    company.ok("poll")
    assert len(company.letters_to("maria.oberg@example.se")) == 2


def test_a_database_that_holds_something_is_never_written_over(moved: Company) -> None:
    moved.write(asker(1), REQUEST)
    moved.ok("poll")
    again = moved.dsar("--settings", str(moved.folder / "settings.ini"), "db", "move", "--to", str(moved.settings))
    assert (again.exit_code, "is not empty" in again.err) == (1, True)


def test_a_database_that_is_worked_on_is_not_moved(moved: Company) -> None:
    """What came in meanwhile would be left behind."""
    with running(moved, workers=1):
        wait_for(lambda: moved.rows("SELECT 1 FROM worker"))
        done = moved.dsar("db", "move", "--to", str(moved.folder / "settings.ini"))
    assert (done.exit_code, "stop 'dsar run'" in done.err) == (1, True)


# ------------------------------------------------------------------------------------------------------------- crews


def test_a_crew_brings_every_request_before_a_person(moved: Company) -> None:
    for number in range(8):
        moved.write(asker(number), REQUEST)
    with running(moved, workers=3):
        wait_for(lambda: cases(moved) == 8 and is_done(moved))
        crew = moved.ok("work", "--workers", "--json").lines
    assert len(crew) == 3
    assert moved.rows("SELECT count(*), count(DISTINCT reference) FROM case_file") == [(8, 8)]
    moved.ok("audit", "verify")


def test_what_killed_workers_held_is_done_by_the_others_once(moved: Company) -> None:
    """Two of four die in the middle of it; nobody gets two acknowledgements and nobody none (P2)."""
    for number in range(8):
        moved.write(asker(number), REQUEST)
    with running(moved, workers=4) as first:
        wait_for(lambda: len(helpers_of(moved, first)) == 3)
        wait_for(lambda: moved.rows("SELECT 1 FROM work WHERE worker != '' AND step != 'sort'"))
        for process in helpers_of(moved, first)[:2]:
            os.kill(process, signal.SIGKILL)
        wait_for(lambda: cases(moved) == 8 and is_done(moved))
    kinds = moved.rows("SELECT kind, count(*), count(DISTINCT case_id) FROM outbox GROUP BY kind")
    assert [kind[1:] for kind in kinds] == [(8, 8)] * len(kinds), "every step was done for every case, once"
    taken = [message_from_bytes(mail.content)["Message-ID"] for mail in moved.smtp.taken]
    assert len(taken) == len(set(taken))
    assert {sent for (sent,) in moved.rows("SELECT message_id FROM outbox WHERE state = 'sent'")} <= set(taken)
    moved.ok("audit", "verify")


def test_work_tells_what_is_due_under_way_to_be_retried_and_stuck(company: Company) -> None:
    rows: dict[str, dict[str, object]] = {
        "dispatch": {"until": None, "worker": "", "tries": 0},
        "search": {"until": "2999-01-01 00:00:00+00:00", "worker": "a:1", "tries": 1},
        "ask": {"until": None, "worker": "", "tries": 2},
        "apply": {"until": None, "worker": "", "tries": 6},
    }
    for step, values in rows.items():
        company.rows(
            "INSERT INTO work (step, subject_id, due_at, lease_until, worker, attempts, lock, last_error) "
            "VALUES (:step, 1, '2026-01-01 00:00:00+00:00', :until, :worker, :tries, '', '')",
            step=step,
            **values,
        )
    states = {line["step"]: line["state"] for line in company.ok("work", "--json").lines}
    assert states == {"dispatch": "due", "search": "under way", "ask": "to be retried", "apply": "stuck"}
    assert all(state in company.ok("work").out for state in states.values())


def test_a_move_that_was_cut_off_is_done_by_the_same_command_again(company: Company, postgresql: Server) -> None:
    """Killed between keys and data; the case that was purged meanwhile leaves no key in the new place."""
    company.write(asker(1), REQUEST)
    company.ok("poll")
    there = Own(url=postgresql.new_database(), keys_url=postgresql.new_database())
    keys_url = company.databases.keys_url.replace("sqlite:///", f"sqlite:///{company.folder}/")
    with (
        closing(SqlKeyStore(keys_url)) as old,
        closing(SqlKeyStore(there.keys_url)) as new,
    ):
        moving.move(old.engine, new.engine, TABLES)
        with old.engine.begin() as connection:
            purged = (
                connection.execute(sa.select(TABLES[0].c.key_id).where(TABLES[0].c.key_id != "proof")).scalars().all()
            )
            connection.execute(TABLES[0].delete().where(TABLES[0].c.key_id == purged[0]))
            kept = connection.execute(sa.select(TABLES[0].c.key_id)).all()
        move(company, postgresql, there)
        with new.engine.connect() as connection:
            assert sorted(connection.execute(sa.select(TABLES[0].c.key_id)).all()) == sorted(kept)


def test_a_key_store_of_somebody_else_is_never_emptied(company: Company, postgresql: Server) -> None:
    there = Own(url=postgresql.new_database(), keys_url=postgresql.new_database())
    with closing(SqlKeyStore(there.keys_url)) as new:
        with new.engine.begin() as connection:
            connection.execute(TABLES[0].insert(), {"key_id": "theirs", "wrapped_by": "master", "wrapped": b"x"})
        with pytest.raises(AssertionError, match="is not empty"):
            move(company, postgresql, there)
        with new.engine.connect() as connection:
            assert connection.execute(sa.select(TABLES[0].c.key_id)).all() == [("theirs",)]
