"""
A step that was taken over from a worker that lives is not over while that one may give it back.

Only PostgreSQL lets two workers look at a mail at once; one of them is the test.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from databases import Server
from office import Office, open_office, written
from servers.sms import PASSWORD, USER, SmsDouble
from sqlmodel import select
from test_unlocking import answered, left

from dsar import guard, worker
from dsar.casework import intake
from dsar.outbox import SmtpAccount, SmtpOutbox
from dsar.steps import Tools
from dsar.store import Transaction
from dsar.store.tables import EventRow, Work

NOW = datetime.now(UTC)
MARIA = "Maria Öberg <maria.oberg@example.se>"
ACCESS = "Jag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"


class Taking(SmtpOutbox):
    """A mail server that takes all."""

    def __init__(self) -> None:
        super().__init__(SmtpAccount(host="localhost", port=1, security="plain"))
        self.taken: list[bytes] = []

    def send(self, content: bytes, *, sender: str, recipients: object) -> object:  # type: ignore[override]
        self.taken.append(content)
        return None


@pytest.fixture
def gateway() -> Iterator[SmsDouble]:
    with SmsDouble() as opened:
        yield opened


@pytest.fixture
def empty(tmp_path: Path, postgresql: Server, gateway: SmsDouble) -> Iterator[Office]:
    sms = f"provider = 46elks\nurl = {gateway.elks_url}\nuser = {USER}\npassword = {PASSWORD}\nsender = Xelent\n"
    urls = f"url = {postgresql.new_database()}\nkeys_url = {postgresql.new_database()}\ncreate = on"
    more = {"database": urls, "sms": sms}
    with open_office(tmp_path, more=more) as opened:
        yield opened


@pytest.fixture
def office(empty: Office) -> Office:
    empty.receive(MARIA, ACCESS, at=NOW)
    return empty


def claimed(office: Office, step: str = "dispatch") -> Work:
    """A step that another worker had; the first of its kind is the one that sends the acknowledgement."""
    with office.app.store.transaction() as tx:
        found = tx.claim(
            "beta:1", now=datetime.now(UTC) + timedelta(minutes=11), lease=timedelta(minutes=10), steps={step}
        )
    assert found
    return found


def after_the_look(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Let another worker *act* once this one has read the row, by the query *name*, and has not decided yet."""
    look = getattr(Transaction, name)

    def look_then_the_other_acts(tx: Transaction, row_id: int) -> object:
        row = look(tx, row_id)
        monkeypatch.undo()
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(act).result()
        return row

    monkeypatch.setattr(Transaction, name, look_then_the_other_acts)


def move(office: Office, *, to: str, expected: str) -> None:
    with office.app.store.transaction() as tx:
        assert tx.move_outgoing(tx.outgoing(1), to=to, expected=expected)


@pytest.mark.parametrize(
    ("seen", "meanwhile"),
    [("ready", "sending"), ("sending", "ready")],
    ids=["the other begins to hand it over", "the other was told to come again"],
)
def test_a_mail_that_another_worker_has_is_not_forgotten(
    office: Office, monkeypatch: pytest.MonkeyPatch, seen: str, meanwhile: str
) -> None:
    if seen == "sending":
        move(office, to="sending", expected="ready")
    work, server = claimed(office), Taking()
    tools = Tools(app=office.app, open_inbox=lambda: pytest.fail("no mailbox is needed"), outbox=server)
    after_the_look(monkeypatch, "outgoing", partial(move, office, to=meanwhile, expected=seen))
    worker.run_step(tools, work, now=NOW + timedelta(minutes=11))
    if meanwhile == "sending":
        move(office, to="ready", expected="sending")

    with office.app.store.transaction() as tx:
        (again,) = [each for each in tx.work() if each.step == "dispatch"]
    worker.run_step(tools, again, now=NOW + timedelta(hours=1))
    assert len(server.taken) == 1


def both_act_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let neither of two workers note anything before the other is about to, or is kept from it."""
    both, record = Barrier(2, timeout=2), Transaction.record

    def record_together(tx: Transaction, *given: Any, **more: Any) -> None:
        with suppress(BrokenBarrierError):
            both.wait()
        record(tx, *given, **more)

    monkeypatch.setattr(Transaction, "record", record_together)


def effects(office: Office, name: str) -> int:
    with office.app.store.transaction(read_only=True) as tx:
        return len(tx.session.exec(select(EventRow).where(EventRow.name == name)).all())


@pytest.mark.parametrize(
    ("sender", "text", "effect"),
    [
        ("Per Ek <per.ek@example.org>", "Radera allt ni har om mig.\n\nPer Ek\n", "case_opened"),
        ("Per Ek <per.ek@example.org>", "Passar toner 305 i min skrivare?\n\nPer Ek\n", "message_sorted"),
        (MARIA, "Tack, men sluta också att ringa mig.\n\nMaria Öberg\n", "follow_up"),
    ],
    ids=["a request", "no request", "a follow-up"],
)
def test_a_mail_that_two_workers_sort_at_once_is_sorted_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, sender: str, text: str, effect: str
) -> None:
    """As when the clock is put forward, so that the lease of one that lives runs out (P1)."""
    content = written(sender, text)
    message, read = office.keep(content, now=NOW), guard.examine(content, intake.office(office.app))
    before = effects(office, effect)
    both_act_at_once(monkeypatch)
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: intake.sort(office.app, message.id or 0, now=NOW, examined=read), range(2)))
    assert effects(office, effect) == before + 1


def move_phrase(office: Office, *, to: str, expected: str) -> None:
    with office.app.store.transaction() as tx:
        assert tx.move_pass_phrase(tx.pass_phrase(1), to=to, expected=expected)


@pytest.mark.parametrize(
    ("seen", "meanwhile"),
    [("ready", "sending"), ("sending", "ready")],
    ids=["the other begins to hand it over", "the other was told to come again"],
)
def test_a_pass_phrase_that_another_worker_has_is_not_forgotten(
    empty: Office, gateway: SmsDouble, monkeypatch: pytest.MonkeyPatch, seen: str, meanwhile: str
) -> None:
    left(empty, answered(empty))
    if seen == "sending":
        move_phrase(empty, to="sending", expected="ready")
    work = claimed(empty, "send_phrase")
    tools = Tools(app=empty.app, open_inbox=lambda: pytest.fail("no mailbox is needed"), outbox=Taking())
    after_the_look(monkeypatch, "pass_phrase", partial(move_phrase, empty, to=meanwhile, expected=seen))
    worker.run_step(tools, work, now=NOW + timedelta(minutes=11))
    if meanwhile == "sending":
        move_phrase(empty, to="ready", expected="sending")

    with empty.app.store.transaction() as tx:
        (again,) = [each for each in tx.work() if each.step == "send_phrase"]
    worker.run_step(tools, again, now=NOW + timedelta(hours=1))
    assert len(gateway.taken) == 1
