"""The database: what two processes may do to the same row, on SQLite and on PostgreSQL."""

import pkgutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from databases import Server
from sqlmodel import SQLModel

from dsar.errors import DatabaseUnavailableError, IllegalTransitionError, StaleStateError
from dsar.lifecycle import Event, State
from dsar.model import RawMail
from dsar.store import SqlKeyStore, Store, Transaction, migrate, tables
from dsar.store.audit import Anchor
from dsar.store.engine import open_engine
from dsar.store.tables import CaseFile, EventRow, OutboxRow, Request

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/dsar.db"
    new: str = request.getfixturevalue("postgresql").new_database()
    return new


@pytest.fixture(scope="module")
def migrated(postgresql: Server) -> str:
    """A PostgreSQL database with the tables of this version; its tests empty it, which is faster than a new one."""
    url = postgresql.new_database()
    made = Store(url)
    migrate.upgrade(made.engine)
    made.close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of each kind with the tables of this version, empty."""
    if request.param == "sqlite":
        opened = Store(f"sqlite:///{tmp_path}/dsar.db")
        migrate.upgrade(opened.engine)
    else:
        opened = Store(request.getfixturevalue("migrated"))
        names = ", ".join(f'"{name}"' for name in SQLModel.metadata.tables)
        with opened.engine.begin() as connection:
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    yield opened
    opened.close()


@pytest.fixture
def other(store: Store) -> Iterator[Store]:
    """The same database, as another process sees it."""
    opened = Store(store.engine.url.render_as_string(hide_password=False))
    yield opened
    opened.close()


def test_a_table_that_is_loaded_with_its_first_use_refers_to_no_other_such_module() -> None:
    """Its rows could not be written: SQLAlchemy would not find what they refer to."""
    tables.load_all()
    later = {f"{tables.__name__}.{module}" for module in tables.LATER}
    module_of = {kind.__table__: kind.__module__ for kind in tables.Row.__subclasses__()}  # type: ignore[attr-defined]
    references = [
        (module_of[key.column.table], module) for table, module in module_of.items() for key in table.foreign_keys
    ]
    assert len(references) > 20
    assert [(to, source) for to, source in references if to in later and to != source] == []


def test_no_module_of_tables_is_forgotten() -> None:
    """Migrations and moves would leave its tables out."""
    modules = {module.name for module in pkgutil.iter_modules(tables.__path__)}
    loaded = (
        "import sys, dsar.store.tables as t; t.load_all(); print(*(m for m in sys.modules if m.startswith(t.__name__)))"
    )
    told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout
    assert {name.rpartition(".")[2] for name in told.split()} == modules | {"tables"}


def test_there_are_no_tables_but_those_named() -> None:
    assert not hasattr(tables, "CaceFile")


def add_case(tx: Transaction, number: int = 1) -> CaseFile:
    return tx.add_case(
        CaseFile(reference=f"D-2026-{number:05d}", opened_at=NOW, language="sv", requester="self", sealed_subject=b"")
    )


def add_request(store: Store, state: State = State.REVIEW) -> Request:
    with store.transaction() as tx:
        case = add_case(tx)
        due = date(2026, 12, 2)
        return tx.add_request(
            Request(case_id=case.id or 0, right="access", state=state, received_at=NOW, send_by_on=due, legal_on=due)
        )


def add_outgoing(store: Store) -> int:
    with store.transaction() as tx:
        row = tx.add_outgoing(
            OutboxRow(
                kind="acknowledgement",
                message_id="<one@example.se>",
                mime_sha256="0" * 64,
                sealed_mime=b"",
                sealed_recipient=b"",
                created_at=NOW,
            )
        )
        return row.id or 0


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Results or errors of *actions*, begun at the same moment by one thread each."""
    barrier = threading.Barrier(len(actions))
    results: list[object] = [None] * len(actions)

    def run(position: int, action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[position] = action()
        except Exception as error:  # noqa: BLE001  # the test looks at it
            results[position] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# ------------------------------------------------------------------------------------------------------ migrations


def test_migrations_lead_to_exactly_the_tables(store: Store) -> None:
    migrate.check_complete(store.engine)


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    request = add_request(store)
    migrate.upgrade(store.engine)
    assert migrate.is_current(store.engine)
    with store.transaction() as tx:
        assert tx.request(request.id or 0).right == "access"


def test_an_empty_database_becomes_current(url: str) -> None:
    empty = Store(url)
    assert not migrate.is_current(empty.engine)
    migrate.upgrade(empty.engine)
    assert migrate.is_current(empty.engine)
    empty.close()


# ----------------------------------------------------------------------------------------------------------- states


def test_of_two_who_change_a_state_one_wins(store: Store, other: Store) -> None:
    """Both saw version 0; the second gets StaleStateError and the trail tells of one change only."""
    request = add_request(store)
    seen = [_read(each, request.id or 0) for each in (store, other)]

    def approve(by: Store, as_seen: Request) -> None:
        with by.transaction() as tx:
            tx.advance(as_seen, Event.APPROVED, actor="bo", at=NOW)

    results = at_once(lambda: approve(store, seen[0]), lambda: approve(other, seen[1]))

    assert [type(result) for result in results if result is not None] == [StaleStateError]
    with store.transaction() as tx:
        assert (tx.request(request.id or 0).state, tx.request(request.id or 0).version) == (State.APPROVED, 1)
        assert [event.name for event in tx.events(request.case_id)] == [Event.APPROVED]


def _read(store: Store, request_id: int) -> Request:
    with store.transaction() as tx:
        return tx.request(request_id)


def test_a_change_of_state_brings_the_callers_request_up_to_date(store: Store) -> None:
    request = add_request(store)
    with store.transaction() as tx:
        tx.advance(request, Event.REFUSED, actor="anna", at=NOW, decision="refuse")
    with store.transaction() as tx:
        tx.advance(request, Event.APPROVED, actor="bo", at=NOW)
    assert (request.state, request.version, request.decision) == (State.APPROVED, 2, "refuse")


def test_an_illegal_change_of_state_changes_nothing(store: Store) -> None:
    request = add_request(store)
    with pytest.raises(IllegalTransitionError), store.transaction() as tx:
        tx.advance(request, Event.APPLIED, actor="bo", at=NOW)
    with store.transaction() as tx:
        assert (tx.request(request.id or 0).state, tx.request(request.id or 0).version) == (State.REVIEW, 0)
        assert tx.events(request.case_id) == []


def test_a_change_of_state_is_undone_with_its_transaction(store: Store) -> None:
    """State and event row are one: neither survives if the rest of the transaction fails."""
    request = add_request(store)

    def advance_and_fail() -> None:
        with store.transaction() as tx:
            tx.advance(request, Event.APPROVED, actor="bo", at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        advance_and_fail()
    with store.transaction() as tx:
        assert tx.request(request.id or 0).state == State.REVIEW
        assert tx.events(request.case_id) == []


def test_a_transaction_inside_another_is_a_mistake_and_not_a_long_wait(store: Store) -> None:
    def nest() -> None:
        with store.transaction(), store.transaction():
            pass

    with pytest.raises(RuntimeError, match="pass it on"):
        nest()
    with store.transaction() as tx:
        assert tx.work() == [], "the store is usable afterwards"


# ------------------------------------------------------------------------------------------------------- references


def test_references_are_unique_under_parallel_opening(store: Store, other: Store) -> None:
    """From the very first one of a year on, when no counter exists yet."""

    def take(by: Store) -> list[str]:
        taken = []
        for _ in range(10):
            with by.transaction() as tx:
                taken.append(tx.next_reference(2026))
        return taken

    results = at_once(*[lambda by=by: take(by) for by in (store, other, store, other)])

    references = [reference for result in results if isinstance(result, list) for reference in result]
    assert sorted(references) == [f"D-2026-{number:05d}" for number in range(1, 41)]


# ------------------------------------------------------------------------------------------------------------ mails


def mail(uid: int = 7, text: str = "Hej", *, epoch: int = 1, mailbox: str = "privacy", at: datetime = NOW) -> RawMail:
    return RawMail(mailbox=mailbox, folder="INBOX", uid_validity=epoch, uid=uid, received_at=at, content=text.encode())


def add(store: Store, *mails: RawMail) -> list[int]:
    """Ids of the messages that were not known before."""
    with store.transaction() as tx:
        return tx.add_mails(mails, sealed={each.sha256: b"sealed" for each in mails}, now=NOW)


def test_a_mail_seen_again_is_one_message_and_the_earlier_arrival_starts_its_clock(store: Store) -> None:
    (first,) = add(store, mail())
    assert add(store, mail(8, at=NOW - MINUTE)) == []
    assert add(store, mail(9, at=NOW + MINUTE)) == []
    with store.transaction() as tx:
        message = tx.message(first)
        assert message is not None
        assert (message.received_at, message.status) == (NOW - MINUTE, "new")
        assert tx.unmoved("privacy", "INBOX", 1) == [7, 8, 9]


def test_the_same_mail_twice_in_one_batch_is_one_message(store: Store) -> None:
    (only,) = add(store, mail(7, at=NOW), mail(8, at=NOW - MINUTE))
    with store.transaction() as tx:
        message = tx.message(only)
        assert message is not None
        assert message.received_at == NOW - MINUTE
        assert tx.stored([message.sha256, "0" * 64]) == {message.sha256}


def test_a_sighting_is_noted_once_and_another_epoch_is_another(store: Store) -> None:
    for each in (mail(), mail(), mail(epoch=2)):
        add(store, each)
    with store.transaction() as tx:
        assert (tx.unmoved("privacy", "INBOX", 1), tx.unmoved("privacy", "INBOX", 2)) == ([7], [7])


def test_a_mail_that_the_server_gives_at_last_is_moved_like_any_other(store: Store) -> None:
    with store.transaction() as tx:
        tx.note_lost("privacy", "INBOX", 1, [7], now=NOW)
    with store.transaction() as tx:
        assert ([each.uid for each in tx.unfetched()], tx.unmoved("privacy", "INBOX", 1)) == ([7], [])
    add(store, mail())
    with store.transaction() as tx:
        assert (tx.unfetched(), tx.unmoved("privacy", "INBOX", 1)) == ([], [7])


def test_a_mail_that_reached_two_mailboxes_at_once_is_one_message(store: Store, other: Store) -> None:
    at_once(lambda: add(store, mail(mailbox="one")), lambda: add(other, mail(mailbox="two")))
    with store.transaction() as tx:
        assert tx.message_counts() == {"new": 1}
        assert (tx.unmoved("one", "INBOX", 1), tx.unmoved("two", "INBOX", 1)) == ([7], [7])


def test_another_epoch_is_read_from_the_start(store: Store) -> None:
    with store.transaction() as tx:
        tx.mark_read("privacy", "INBOX", 1, last_uid=40, now=NOW)
    with store.transaction() as tx:
        assert (tx.last_uid("privacy", "INBOX", 1), tx.last_uid("privacy", "INBOX", 2)) == (40, 0)


def test_moved_mails_are_not_moved_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.add_mails([mail(7), mail(8)], sealed={}, now=NOW)
        tx.mark_moved("privacy", "INBOX", 1, [7], now=NOW, places={7: (5, 1)})
    with store.transaction() as tx:
        assert tx.unmoved("privacy", "INBOX", 1) == [8]


def test_reading_waits_for_no_writer(store: Store, other: Store) -> None:
    """The queue can be looked at while a big batch of mails is being stored."""
    with store.transaction() as writing:
        writing.enqueue("sort", 1, due_at=NOW)
        with other.transaction(read_only=True) as reading:
            assert reading.work() == []


def test_a_transaction_that_only_reads_cannot_write_and_the_next_one_can(store: Store) -> None:
    with pytest.raises(DatabaseUnavailableError), store.transaction(read_only=True) as reading:
        reading.record("written", actor="anna", at=NOW)
    with store.transaction() as writing:
        writing.record("written", actor="anna", at=NOW)


def test_a_writer_waits_for_no_reader(store: Store, other: Store) -> None:
    with other.transaction(read_only=True) as reading:
        assert reading.work() == []
        with store.transaction() as writing:
            writing.enqueue("sort", 1, due_at=NOW)
    with other.transaction(read_only=True) as reading:
        assert len(reading.work()) == 1


# ------------------------------------------------------------------------------------------------------------- work


def test_two_workers_never_get_the_same_step(store: Store, other: Store) -> None:
    with store.transaction() as tx:
        for number in range(20):
            tx.enqueue("sort", number, due_at=NOW)

    def claim_all(by: Store, worker: str) -> list[int]:
        claimed: list[int] = []
        while True:
            with by.transaction() as tx:
                work = tx.claim(worker, now=NOW, lease=MINUTE)
            if work is None:
                return claimed
            claimed.append(work.subject_id)

    one, two = at_once(lambda: claim_all(store, "one"), lambda: claim_all(other, "two"))

    assert isinstance(one, list)
    assert isinstance(two, list)
    assert sorted(one + two) == list(range(20))


def test_a_step_of_a_dead_worker_is_free_when_its_lease_has_run_out(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("sort", 1, due_at=NOW)
        assert tx.claim("dead", now=NOW, lease=MINUTE)
    with store.transaction() as tx:
        assert tx.claim("alive", now=NOW + MINUTE, lease=MINUTE) is None
        work = tx.claim("alive", now=NOW + 2 * MINUTE, lease=MINUTE)
        assert work is not None
        assert (work.worker, work.attempts) == ("alive", 2)


def test_a_step_of_a_worker_known_to_be_dead_is_free_at_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("sort", 1, due_at=NOW)
        tx.claim("dead", now=NOW, lease=MINUTE)
    with store.transaction() as tx:
        assert tx.free_leases(["dead"], now=NOW) == 1
        assert tx.claim("alive", now=NOW, lease=MINUTE) is not None


def test_what_is_enqueued_while_the_step_runs_is_not_lost(store: Store) -> None:
    """The step may have looked before the new thing came, so it runs once more."""
    with store.transaction() as tx:
        tx.enqueue("identify", 1, due_at=NOW)
        running = tx.claim("one", now=NOW, lease=MINUTE)
    assert running is not None
    with store.transaction() as tx:
        tx.enqueue("identify", 1, due_at=NOW)
    with store.transaction() as tx:
        tx.finish(running)
        tx.give_lease(running.lock, "one")
    with store.transaction() as tx:
        again = tx.claim("two", now=NOW, lease=MINUTE)
        assert again is not None
        assert again.attempts == 1


def test_a_step_that_becomes_due_while_it_runs_never_runs_beside_itself(store: Store) -> None:
    """Two workers that apply the same plan at once would each write."""
    with store.transaction() as tx:
        tx.enqueue("apply", 1, due_at=NOW)
        tx.claim("one", now=NOW, lease=MINUTE)
    with store.transaction() as tx:
        tx.enqueue("apply", 1, due_at=NOW)
        assert tx.claim("two", now=NOW, lease=MINUTE) is None


def test_a_step_that_becomes_due_while_it_fails_is_tried_again_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("search", 1, due_at=NOW)
        work = tx.claim("one", now=NOW, lease=MINUTE)
        assert work is not None
        tx.enqueue("search", 1, due_at=NOW)
        tx.postpone(work, due_at=NOW + MINUTE, error="SystemUnavailableError")
    with store.transaction() as tx:
        assert tx.claim("one", now=NOW, lease=MINUTE) is None
        work = tx.claim("one", now=NOW + MINUTE, lease=MINUTE)
        assert work is not None
        tx.finish(work)
        assert tx.work() == []


def test_a_step_that_takes_long_keeps_its_lease(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("search", 1, due_at=NOW)
        work = tx.claim("one", now=NOW, lease=MINUTE)
    assert work is not None
    with store.transaction() as tx:
        tx.renew(work, until=NOW + 5 * MINUTE)
    with store.transaction() as tx:
        assert tx.claim("two", now=NOW + 4 * MINUTE, lease=MINUTE) is None


def test_a_worker_whose_step_was_taken_over_can_neither_end_nor_keep_it(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("search", 1, due_at=NOW)
        stalled = tx.claim("one", now=NOW, lease=MINUTE)
        assert stalled is not None
        late = stalled.model_copy()
    with store.transaction() as tx:
        assert tx.claim("one", now=NOW + 2 * MINUTE, lease=MINUTE) is not None
        tx.renew(late, until=NOW)
        tx.finish(late)
        tx.postpone(late, due_at=NOW, error="")
    with store.transaction() as tx:
        (held,) = tx.work()
        assert (held.worker, held.lease_until) == ("one", NOW + 3 * MINUTE)


def test_a_step_enqueued_twice_at_once_is_one_step(store: Store, other: Store) -> None:
    def enqueue(by: Store) -> None:
        with by.transaction() as tx:
            tx.enqueue("search", 1, due_at=NOW)

    assert at_once(lambda: enqueue(store), lambda: enqueue(other)) == [None, None]
    with store.transaction() as tx:
        assert len(tx.work()) == 1


def test_a_finished_step_is_gone(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("sort", 1, due_at=NOW)
        work = tx.claim("one", now=NOW, lease=MINUTE)
    assert work is not None
    with store.transaction() as tx:
        tx.finish(work)
    with store.transaction() as tx:
        assert tx.work() == []


def test_a_postponed_step_is_due_later_and_shows_its_error(store: Store) -> None:
    with store.transaction() as tx:
        tx.enqueue("dispatch", 1, due_at=NOW)
        work = tx.claim("one", now=NOW, lease=MINUTE)
    assert work is not None
    with store.transaction() as tx:
        tx.postpone(work, due_at=NOW + MINUTE, error="OutboxUnavailableError")
    with store.transaction() as tx:
        assert tx.claim("one", now=NOW, lease=MINUTE) is None
        (waiting,) = tx.work()
        assert (waiting.last_error, waiting.due_at) == ("OutboxUnavailableError", NOW + MINUTE)
        assert tx.claim("one", now=NOW + MINUTE, lease=MINUTE) is not None


def test_only_one_process_holds_a_lease(store: Store, other: Store) -> None:
    """Also the very first time, when nobody has held it before."""

    def take(by: Store, holder: str) -> bool:
        with by.transaction() as tx:
            return tx.take_lease("mailbox:privacy", holder, now=NOW, seconds=60)

    assert sorted(at_once(lambda: take(store, "one"), lambda: take(other, "two")), key=str) == [False, True]


def test_what_is_looked_up_and_then_written_under_a_hold_is_written_once(store: Store, other: Store) -> None:
    def write_unless_written(by: Store) -> bool:
        with by.transaction() as tx:
            tx.hold("the digest of somebody")
            if tx.mark("written") is not None:
                return False
            time.sleep(0.2)  # long enough for the other one to look, if it could
            tx.set_mark("written", at=NOW)
            return True

    assert sorted(at_once(lambda: write_unless_written(store), lambda: write_unless_written(other)), key=str) == [
        False,
        True,
    ]


def test_what_two_processes_note_at_once_for_the_first_time_is_noted(store: Store, other: Store) -> None:
    """As two workers do that begin together; the one that comes second waits, and writes over it."""

    def note(by: Store) -> bool:
        with by.transaction() as tx:
            tx.set_mark("clock", at=NOW)
            time.sleep(0.2)  # long enough for the other one to insert, if it could
            return tx.mark("clock") is not None

    assert at_once(lambda: note(store), lambda: note(other)) == [True, True]


def test_a_lease_can_be_renewed_given_back_and_taken_over(store: Store) -> None:
    def take(holder: str, at: datetime) -> bool:
        with store.transaction() as tx:
            return tx.take_lease("mailbox:privacy", holder, now=at, seconds=60)

    assert take("one", NOW)
    assert take("one", NOW + MINUTE / 2), "renewed"
    assert not take("two", NOW + MINUTE), "held until 90 s after NOW"
    assert take("two", NOW + 2 * MINUTE), "run out"
    with store.transaction() as tx:
        tx.give_lease("mailbox:privacy", "two")
    assert take("one", NOW + 2 * MINUTE)


def test_a_copy_that_a_dead_worker_may_just_have_filed_is_looked_for_a_minute_later(store: Store) -> None:
    """What it had sent to the mail server may still be on its way, and would lie there twice."""
    with store.transaction() as tx:
        tx.enqueue("file_copy", 1, due_at=NOW)
        tx.claim("dead", now=NOW, lease=timedelta(hours=1))
    with store.transaction() as tx:
        assert tx.free_leases(["dead"], now=NOW) == 1
        assert tx.claim("alive", now=NOW, lease=MINUTE) is None
        assert tx.claim("alive", now=NOW + MINUTE, lease=MINUTE) is not None


def test_a_copy_of_a_worker_whose_lease_ran_out_is_looked_for_a_minute_later(store: Store) -> None:
    """It may live, and be filing just now: the clock was put forward under it, or its machine had slept."""
    with store.transaction() as tx:
        tx.enqueue("file_copy", 1, due_at=NOW)
        tx.claim("asleep", now=NOW, lease=MINUTE)
    with store.transaction() as tx:
        assert tx.claim("other", now=NOW + 2 * MINUTE, lease=MINUTE) is None
        assert tx.claim("other", now=NOW + 3 * MINUTE, lease=MINUTE) is not None


def test_a_copy_that_was_to_be_filed_again_is_looked_for_a_minute_after_the_clock_was_set_back(store: Store) -> None:
    def claimed(at: datetime) -> list[str]:
        with store.transaction() as tx:
            work = tx.claim("w", now=at, lease=MINUTE)
            if work is not None:
                tx.postpone(work, due_at=NOW, error="InboxUnavailableError")
            return [work.step] if work else []

    with store.transaction() as tx:
        tx.enqueue("file_copy", 1, due_at=NOW)
    assert claimed(NOW) == ["file_copy"]
    earlier = NOW - timedelta(days=90)
    with store.transaction() as tx:
        tx.take_up_again(now=earlier)
    assert (claimed(earlier), claimed(earlier + MINUTE)) == ([], ["file_copy"])


def test_the_leases_of_a_worker_known_to_be_dead_are_free_at_once(store: Store) -> None:
    with store.transaction() as tx:
        tx.take_lease("mailbox:privacy", "dead", now=NOW, seconds=600)
    with store.transaction() as tx:
        assert tx.lease_holders() == {"dead"}
        tx.free_leases(["dead"], now=NOW)
        assert tx.take_lease("mailbox:privacy", "alive", now=NOW, seconds=600)


# ----------------------------------------------------------------------------------------------------------- outbox


def test_of_two_who_begin_to_send_a_mail_one_may(store: Store, other: Store) -> None:
    outbox_id = add_outgoing(store)

    def begin(by: Store) -> bool:
        with by.transaction() as tx:
            return tx.move_outgoing(tx.outgoing(outbox_id), to="sending", expected="ready", sending_at=NOW)

    assert sorted(at_once(lambda: begin(store), lambda: begin(other)), key=str) == [False, True]


def test_a_mail_in_another_state_than_expected_stays_as_it_is(store: Store) -> None:
    outbox_id = add_outgoing(store)
    with store.transaction() as tx:
        assert not tx.move_outgoing(tx.outgoing(outbox_id), to="sent", expected="sending", sent_at=NOW)
    with store.transaction() as tx:
        assert (tx.outgoing(outbox_id).state, tx.outgoing(outbox_id).sent_at) == ("ready", None)


# ------------------------------------------------------------------------------------------------------ audit trail


def record(store: Store, *names: str, sealed: bool = True) -> None:
    with store.transaction() as tx:
        for name in names:
            tx.record(name, actor="anna", at=NOW, detail={"digest": name})
        if sealed:
            tx.seal_events()


def broken_at(store: Store, *statements: str) -> int | None:
    """First event that does not fit the chain after somebody with the database's password ran *statements*."""
    with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")  # no foreign keys
        for statement in statements:
            connection.exec_driver_sql(statement)
    with store.transaction() as tx:
        return tx.verify_chain().broken_at


def test_an_untouched_chain_verifies(store: Store) -> None:
    record(store, "one", "two")
    record(store, "three")
    with store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.unsealed, report.broken_at) == (3, 0, None)


def test_a_long_tail_is_sealed_in_batches_to_one_chain(store: Store) -> None:
    """The tail of a busy hour keeps nobody from writing for long."""
    with store.transaction() as tx:
        for number in range(5):
            tx.record(f"looked_{number}", actor="anna", at=NOW)
    counts = []
    for _ in range(4):
        with store.transaction() as tx:
            counts.append(tx.seal_events(most=2))

    assert counts == [2, 2, 1, 0]
    with store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.unsealed, report.broken_at) == (5, 0, None)


def chained_after_hold(store: Store, *, others: int, whole: bool) -> int:
    """How many events are chained once a transaction ends that held one back while *others* were chained."""
    first, held, *rest = range(1, others + 3)
    with store.transaction() as tx:
        tx.session.add_all(EventRow(id=number, at=NOW, actor="anna", name="looked") for number in (first, *rest))
        tx.session.flush()
        tx.seal_events()
    with store.transaction() as tx:
        tx.session.add(EventRow(id=held, at=NOW, actor="anna", name="looked"))
        tx.session.flush()
        return tx.seal_events(whole=whole)


def test_an_event_that_was_held_back_for_a_moment_is_chained_at_the_next_look(store: Store) -> None:
    """PostgreSQL: of two that write at once one may end later than what came after it."""
    assert chained_after_hold(store, others=10, whole=False) == 1
    with store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.unsealed, report.broken_at) == (12, 0, None)


@pytest.mark.parametrize(("whole", "chained"), [(False, 0), (True, 1)])
def test_what_was_held_back_for_thousands_of_others_waits_for_the_daily_look(
    store: Store, *, whole: bool, chained: int
) -> None:
    """Every few seconds the end of the trail is looked at, however long it is; a whole year would take a second."""
    assert chained_after_hold(store, others=2500, whole=whole) == chained


def test_an_event_not_sealed_yet_is_told(store: Store) -> None:
    record(store, "one")
    record(store, "two", sealed=False)
    with store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.unsealed, report.broken_at) == (1, 1, None)


@pytest.mark.parametrize(
    "tampering",
    [
        ["UPDATE event SET actor = 'bo' WHERE id = 2"],
        ["UPDATE event SET detail = '{}' WHERE id = 2"],
        ["UPDATE event SET at = '2026-11-01 00:00:00' WHERE id = 2"],
        ["DELETE FROM seal WHERE event_id = 2"],
        ["DELETE FROM seal WHERE event_id = 2", "DELETE FROM event WHERE id = 2"],
        ["UPDATE seal SET position = 9 WHERE event_id = 2", "UPDATE seal SET position = 2 WHERE event_id = 3"],
    ],
)
def test_a_changed_or_removed_event_is_found(store: Store, tampering: list[str]) -> None:
    record(store, "one", "two", "three")
    assert broken_at(store, *tampering) in {2, 3}


def test_an_event_removed_under_its_seal_is_found(store: Store) -> None:
    record(store, "one", "two", "three")
    with store.engine.connect() as connection:
        off = {"sqlite": "PRAGMA foreign_keys=OFF", "postgresql": "SET session_replication_role = replica"}
        raw = connection.connection.driver_connection
        assert raw is not None
        cursor = raw.cursor()
        cursor.execute(off[connection.dialect.name])
        cursor.execute("DELETE FROM event WHERE id = 2")
        raw.commit()
        connection.invalidate()
    with store.transaction() as tx:
        assert tx.verify_chain().broken_at == 2


def test_an_inserted_event_with_a_seal_of_its_own_is_found(store: Store) -> None:
    record(store, "one", "two")
    inserted = (
        "INSERT INTO event (id, at, actor, name, detail) VALUES (90, '2026-11-02 08:30:00', 'bo', 'forged', '{}')",
        "UPDATE seal SET position = 3 WHERE position = 2",
        "INSERT INTO seal (event_id, position, digest) VALUES (90, 2, 'forged')",
    )
    assert broken_at(store, *inserted) == 90


def test_the_chain_verifies_whatever_time_zone_the_server_speaks(postgresql: Server) -> None:
    """A server that answers in Stockholm time tells the same moments."""
    url = postgresql.new_database()
    store = Store(url)
    migrate.upgrade(store.engine)
    record(store, "one", "two")
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET timezone TO 'Europe/Stockholm'")
    store.close()
    with store.transaction() as tx:
        assert tx.verify_chain().broken_at is None
    store.close()


def test_two_sealers_at_once_make_one_chain(store: Store, other: Store) -> None:
    record(store, *(f"event {number}" for number in range(20)), sealed=False)

    def seal(by: Store, holder: str) -> int:
        with by.transaction() as tx:
            if not tx.take_lease("sealer", holder, now=NOW, seconds=60):
                return 0
            count = tx.seal_events()
            tx.give_lease("sealer", holder)
            return count

    results = at_once(lambda: seal(store, "one"), lambda: seal(other, "two"))

    assert sorted(results, key=str) == [0, 20]
    with store.transaction() as tx:
        report = tx.verify_chain()
    assert (report.sealed, report.broken_at) == (20, None)


# ---------------------------------------------------------------------------------------------- unusable databases


def use(url: str, *, prepare: Callable[[Store], None] | None = None) -> str:
    """What the error says when the database at *url* is asked for its due steps."""
    store = Store(url)
    try:
        if prepare:
            prepare(store)
        with pytest.raises(DatabaseUnavailableError) as told, store.transaction() as tx:
            tx.enqueue("sort", 1, due_at=NOW)
        return str(told.value)
    finally:
        store.close()


def test_a_database_without_tables_says_how_to_make_them(url: str) -> None:
    assert "'dsar db upgrade'" in use(url)


def test_a_database_in_a_folder_that_is_not_there_cannot_be_opened(tmp_path: Path) -> None:
    assert "the file cannot be opened" in use(f"sqlite:///{tmp_path}/missing/dsar.db")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "dsar.db").write_bytes(b"Hej! " * 1000)
    assert "the file is damaged or no database" in use(f"sqlite:///{tmp_path}/dsar.db")


def test_a_database_that_another_process_holds_is_told_after_waiting(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/dsar.db"
    made = Store(url)
    migrate.upgrade(made.engine)
    made.close()
    holder = sqlite3.connect(tmp_path / "dsar.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    def wait_less(store: Store) -> None:
        sa.event.listen(store.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=50"))

    assert "another process holds it for too long" in use(url, prepare=wait_less)
    holder.close()


def test_a_database_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/dsar.db"
    made = Store(url)
    migrate.upgrade(made.engine)
    made.close()
    assert "it is read-only" in use(f"sqlite:///file:{tmp_path}/dsar.db?mode=ro&uri=true")


def test_a_database_server_that_does_not_answer_is_told() -> None:
    assert "the server does not answer" in use("postgresql+psycopg://dsar@127.0.0.1:1/dsar")


@pytest.mark.parametrize("url", ["nonsense", "oracle9i://host/x", "mssql+nodriver://host/x"])
def test_a_url_that_cannot_be_understood_is_told_without_repeating_it(url: str) -> None:
    """A URL may hold a password."""
    with pytest.raises(DatabaseUnavailableError) as told:
        Store(url)
    assert url not in str(told.value)


# -------------------------------------------------------------------------------------------------------- key store


@pytest.fixture
def keys(url: str) -> Iterator[SqlKeyStore]:
    opened = SqlKeyStore(url)
    yield opened
    opened.close()


def test_a_wrapped_key_is_kept_once_and_forgotten_for_good(keys: SqlKeyStore) -> None:
    assert keys.put("case:D-2026-00001", "master", b"first")
    assert not keys.put("case:D-2026-00001", "master", b"second"), "an existing wrap stays as it is"
    assert keys.put("case:D-2026-00001", "other", b"third")
    assert keys.get("case:D-2026-00001") == {"master": b"first", "other": b"third"}
    keys.remove("case:D-2026-00001", "other")
    assert keys.get("case:D-2026-00001") == {"master": b"first"}
    keys.remove("case:D-2026-00001")
    keys.remove("case:D-2026-00001")
    assert keys.get("case:D-2026-00001") == {}


def test_of_two_processes_that_make_a_key_under_different_wraps_one_makes_it(url: str, keys: SqlKeyStore) -> None:
    """The same mail in two mailboxes at once: one key, or what the other sealed would never open again."""
    other = SqlKeyStore(url)
    for number in range(20):
        key_id = f"mail:{number}"
        at_once(
            lambda key_id=key_id: keys.put_new([(key_id, "mailbox:a", b"first")]),  # type: ignore[misc]
            lambda key_id=key_id: other.put_new([(key_id, "mailbox:b", b"second")]),  # type: ignore[misc]
        )
    other.close()

    assert [len(wraps) for wraps in keys.get_many([f"mail:{number}" for number in range(20)]).values()] == [1] * 20


def test_who_makes_keys_keeps_nobody_from_others(postgresql: Server) -> None:
    """A lot of mails is sorted in one transaction; SQLite lets one process write at a time anyway."""
    url = postgresql.new_database()
    keys, other = SqlKeyStore(url), SqlKeyStore(url)
    keys.put_new([("mail:1", "mailbox:a", b"first")])
    with ThreadPoolExecutor(1) as elsewhere, keys.one_commit():
        keys.put_new([("case:1", "master", b"second")])
        elsewhere.submit(other.remove, "mail:1").result(timeout=20)
        elsewhere.submit(other.put_new, [("case:2", "master", b"third")]).result(timeout=20)
    found = keys.get_many(["mail:1", "case:1", "case:2"])
    for each in (keys, other):
        each.close()
    assert found == {"case:1": {"master": b"second"}, "case:2": {"master": b"third"}}


def test_many_new_keys_are_kept_at_once_and_existing_ones_stay(keys: SqlKeyStore) -> None:
    keys.put("mail:5", "master", b"first")
    keys.put_new([(f"mail:{number}", "master", b"later") for number in range(1200)])
    keys.put_new([])
    found = keys.get_many([*(f"mail:{number}" for number in range(1200)), "mail:unknown"])
    assert len(found) == 1200
    assert (found["mail:5"], found["mail:6"]) == ({"master": b"first"}, {"master": b"later"})


def test_two_processes_make_the_key_store_at_once(url: str) -> None:
    results = at_once(lambda: SqlKeyStore(url).close(), lambda: SqlKeyStore(url).close())
    assert results == [None, None]


def test_a_head_kept_elsewhere_shows_that_the_end_was_cut_off(store: Store) -> None:
    """Whoever removes the last events and their seals leaves a chain that is whole in itself."""
    with store.transaction() as tx:
        for number in range(3):
            tx.record(f"step_{number}", actor="anna", at=NOW)
        tx.seal_events()
        kept = tx.verify_chain()
    anchor = Anchor(sealed=kept.sealed, head=kept.head)
    with store.transaction() as tx:
        tx.record("step_3", actor="anna", at=NOW)
        tx.seal_events()
        assert tx.verify_chain(anchor).anchor_holds is True
    with store.transaction() as tx:
        tx.session.execute(sa.text("DELETE FROM seal WHERE event_id >= 3"))
        tx.session.execute(sa.text("DELETE FROM event WHERE id >= 3"))
        cut = tx.verify_chain(anchor)
    assert (cut.broken_at, cut.anchor_holds) == (None, False)


# ------------------------------------------------------------------------------------- several processes, one file

_LOOKS = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM t").fetchone()[0])
"""


def test_another_process_that_closes_the_file_takes_no_commit_of_ours(tmp_path: Path) -> None:
    """Whoever closes a database last removes its log; a second connection of ours must not make us look gone."""
    engine, counts = open_engine(f"sqlite:///{tmp_path}/d.db"), []
    with engine.connect() as first:
        first.exec_driver_sql("CREATE TABLE t (id INTEGER)")
        first.commit()
        with engine.connect():
            for number in range(3):
                with first.begin():
                    first.exec_driver_sql("INSERT INTO t VALUES (?)", (number,))
                looked = subprocess.run(
                    [sys.executable, "-c", _LOOKS, str(tmp_path / "d.db")], capture_output=True, check=True
                )
                counts.append(int(looked.stdout))
    engine.dispose()
    assert counts == [1, 2, 3]
