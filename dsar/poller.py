"""
Mailboxes on the server -> stored mails and due steps; the loop that keeps dsar going.

Effects: reads mailboxes, moves stored mails to the done folder, runs due steps; reads the clock. The order is the
promise P1: fetch, commit, and only then move. A crash anywhere costs a repetition that the sightings absorb.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from dsar import worker
from dsar.casework import backups, health, intake, purging, reconciling, reporting
from dsar.casework.context import App
from dsar.errors import BackupUnavailableError, InboxUnavailableError, TemporaryError, TokenUnavailableError
from dsar.inbox import ImapInbox, Line
from dsar.steps import Tools

log = logging.getLogger(__name__)

_LEASE_SECONDS = 600.0
_RENEW_SECONDS = 60.0
_RECONNECT_SECONDS = (1.0, 5.0, 15.0, 60.0)
_STEP_SECONDS = 2.0
_WORK_SECONDS = 10.0
_MOVED_PER_COMMIT = 1000

_Result = TypeVar("_Result")

_UNREACHABLE = (InboxUnavailableError, TokenUnavailableError)


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What one look into one mailbox brought."""

    mailbox: str
    stored: int  #: Mails fetched and committed.
    unfetchable: int  #: Mails that the server would not give.
    busy: bool = False  #: Another process was reading this mailbox.


def poll(app: App, mailbox: str, inbox: ImapInbox) -> Poll:
    """
    Fetch what is new in every folder of one mailbox.

    Args: inbox: connected.
    Raises: InboxUnavailableError; what was committed before stays.
    """
    with _alone(app, f"mailbox:{mailbox}") as renew:
        if renew is None:
            return Poll(mailbox=mailbox, stored=0, unfetchable=0, busy=True)
        found = [_poll_folder(app, mailbox, folder, inbox, renew) for folder in inbox.account.folders]
    return Poll(mailbox=mailbox, stored=sum(had for had, _ in found), unfetchable=sum(lost for _, lost in found))


def reconcile(app: App, mailbox: str, inbox: ImapInbox) -> reconciling.Differences | None:
    """
    Compare what lies on the server with what is stored; None if another process works on this mailbox.

    Args: inbox: connected. Raises: InboxUnavailableError.
    """
    with _alone(app, f"mailbox:{mailbox}") as renew:
        return None if renew is None else reconciling.reconcile(app, inbox, now=datetime.now(UTC))


@contextmanager
def _alone(app: App, name: str) -> Iterator[Callable[[], None] | None]:
    """One process at a time does *name*, on whatever machine: yields what renews its lease; None if another does it."""
    holder = worker.worker_name()
    taken_at = time.monotonic()

    def take() -> bool:
        with app.store.transaction() as tx:
            return tx.take_lease(name, holder, now=datetime.now(UTC), seconds=_LEASE_SECONDS)

    def renew() -> None:
        nonlocal taken_at
        if time.monotonic() - taken_at > _RENEW_SECONDS and take():
            taken_at = time.monotonic()

    if not take():
        yield None
        return
    try:
        yield renew
    finally:
        with app.store.transaction() as tx:
            tx.give_lease(name, holder)


def _poll_folder(app: App, mailbox: str, folder: str, inbox: ImapInbox, renew: Callable[[], None]) -> tuple[int, int]:
    """How many mails were stored, and how many the server would not give."""
    epoch = inbox.uid_validity(folder)
    with app.store.transaction() as tx:
        low = tx.last_uid(mailbox, folder, epoch)
    stored, lost = _fetch_again(app, mailbox, folder, epoch, inbox)
    noted = 0
    for batch in _ahead(inbox.new_mails(folder, after_uid=low, seen_at=datetime.now(UTC))):
        # before the batch, whose commit moves the mark past them
        lost_by_now = inbox.unfetchable[noted:]
        _note_lost(app, mailbox, folder, epoch, lost_by_now)
        noted += len(lost_by_now)
        intake.store_mails(app, batch, now=datetime.now(UTC))
        stored += len(batch)
        renew()
    _note_lost(app, mailbox, folder, epoch, inbox.unfetchable[noted:])
    with app.store.transaction() as tx:
        tx.forget_lost(mailbox, folder, epoch, now=datetime.now(UTC))
        if inbox.unfetchable:  # noted, and all before it is stored
            tx.mark_read(mailbox, folder, epoch, last_uid=inbox.unfetchable[-1], now=datetime.now(UTC))
        done = tx.unmoved(mailbox, folder, epoch)
        tx.mark_polled(mailbox, folder, epoch, now=datetime.now(UTC))
    for uids, places in _ahead(_moved(inbox, folder, epoch, done)):  # committed above, so they may leave the inbox now
        with app.store.transaction() as tx:
            tx.mark_moved(mailbox, folder, epoch, uids, now=datetime.now(UTC), places=places)
        renew()
    return stored, lost + len(inbox.unfetchable)


def _moved(
    inbox: ImapInbox, folder: str, epoch: int, done: Sequence[int]
) -> Iterator[tuple[Sequence[int], dict[int, tuple[int, int]]]]:
    """Move mails into the done folder, a thousand at a time: (their UIDs, their places there)."""
    for start in range(0, len(done), _MOVED_PER_COMMIT):
        uids = done[start : start + _MOVED_PER_COMMIT]
        yield uids, inbox.move_done(folder, epoch, uids)


def _ahead(batches: Iterator[_Result]) -> Iterator[_Result]:
    """The same batches; the server is asked for the next one while this one is committed."""
    with ThreadPoolExecutor(1, "ahead") as other:
        coming = other.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = other.submit(next, batches, None)
            yield batch


def _fetch_again(app: App, mailbox: str, folder: str, epoch: int, inbox: ImapInbox) -> tuple[int, int]:
    """Ask again for what the server would not give before."""
    with app.store.transaction() as tx:
        due = tx.to_fetch_again(mailbox, folder, epoch, now=datetime.now(UTC))
    if not due:
        return 0, 0
    stored: set[int] = set()
    for batch in inbox.mails(folder, due, seen_at=datetime.now(UTC)):
        intake.store_mails(app, batch, now=datetime.now(UTC))
        stored.update(mail.uid for mail in batch)
    _note_lost(app, mailbox, folder, epoch, inbox.unfetchable)
    gone = [uid for uid in due if uid not in stored and uid not in inbox.unfetchable]
    with app.store.transaction() as tx:
        tx.mark_gone(mailbox, folder, epoch, gone, now=datetime.now(UTC))
    return len(stored), len(inbox.unfetchable)


def _note_lost(app: App, mailbox: str, folder: str, epoch: int, uids: list[int]) -> None:
    """A mail that the server will not give goes before a person; it stays where it is and is asked for again."""
    if uids:
        with app.store.transaction() as tx:
            tx.note_lost(mailbox, folder, epoch, uids, now=datetime.now(UTC))


# ------------------------------------------------------------------------------------------------------- the loop


class _Line(Line):
    """A connection to one mailbox, which is waited on, too."""

    def __init__(self, mailbox: str, open_inbox: Callable[[], ImapInbox]) -> None:
        super().__init__(open_inbox)
        self.mailbox = mailbox


def run(
    tools: Tools,
    inboxes: Mapping[str, Callable[[], ImapInbox]],
    *,
    interval_seconds: float,
    stopped: Callable[[], bool],
    work_seconds: float = _WORK_SECONDS,
) -> None:
    """
    Poll, work, wait, until *stopped*; server restarts, dropped lines and expired tokens are survived.

    It waits on the connection that has just looked into the first mailbox, so that nothing can come unseen between.
    Args: interval_seconds: longest wait between two polls, whether or not the server announces new mail; work_seconds:
    so long at a time steps are done until the mailboxes are looked into again, however many are due.
    """
    worker.free_dead(tools.app)
    work = partial(_work, tools, work_seconds, stopped)
    lines = [_Line(mailbox, open_inbox) for mailbox, open_inbox in inboxes.items()]
    failures = 0
    try:
        while not stopped():
            reached, is_busy = _round(tools, lines, work)
            pause = _RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)]
            wait = interval_seconds if reached else min(pause, interval_seconds)
            held = is_busy or _wait(lines[0], wait, work, stopped)
            if not held:
                _sleep(pause, stopped)
            failures = 0 if reached and held else failures + 1
    finally:
        for line in lines:
            line.drop()


def _round(tools: Tools, lines: list[_Line], work: Callable[[], bool]) -> tuple[bool, bool]:
    """
    Look into every mailbox, do what is due, watch over the flow of mail.

    Returns: whether all of it was possible, and whether more is due.
    """
    app = tools.app
    try:
        polls = [_try(line, partial(poll, app, line.mailbox)) for line in lines]
        for found in filter(None, polls):
            if found.stored:
                log.info("mail taken in", extra={"mailbox": found.mailbox, "count": found.stored})
        is_busy = work()  # letters leave although a mailbox is down
        for line in lines:
            if line.inbox is not None and reconciling.is_due(app, line.mailbox, now=datetime.now(UTC)):
                _try(line, partial(reconcile, app, line.mailbox))
        with _alone(app, "look_after") as renew:  # once per tick, whoever comes first
            if renew is not None:
                _look_after(tools, lines)
    except TemporaryError as error:
        log.warning("round failed", extra={"error": type(error).__name__})
        return False, False
    return None not in polls, is_busy


def _work(tools: Tools, seconds: float, stopped: Callable[[], bool]) -> bool:
    """
    Do due steps for so long; whether more may be due.

    On a day on which thousands are due, new mail is read all the same: it may ask for a marketing stop, which goes
    first, and the law's clock runs from when it came.
    """
    until = time.monotonic() + seconds
    worker.run_due(tools, stopped=lambda: stopped() or time.monotonic() >= until)
    return time.monotonic() >= until


def _look_after(tools: Tools, lines: list[_Line]) -> None:
    """What becomes due by the calendar, once, whoever of several machines comes first."""
    app = tools.app
    if purging.is_due(app, now=datetime.now(UTC)):
        _purge(app, lines)
    reporting.enqueue_due(app, now=datetime.now(UTC))
    if backups.is_due(app, now=datetime.now(UTC)):
        _back_up(app)
    health.look_after(app, tools.outbox, now=datetime.now(UTC))


def _back_up(app: App) -> None:
    """Once a day; a disk that is full stops nothing else, and 'dsar check' tells of it."""
    try:
        made = backups.back_up(app, now=datetime.now(UTC))
        log.info("backup made", extra={"count": len(made.removed)})
    except BackupUnavailableError as error:
        log.warning("backup not made", extra={"error": type(error).__name__})


def _purge(app: App, lines: list[_Line]) -> None:
    """Once a day what has been kept long enough goes, here and in the mailboxes; our letters lie in the first."""
    log.info("purged", extra={"count": len(purging.purge(app, now=datetime.now(UTC)))})
    for line in lines:
        if line.inbox is not None:
            _try(line, partial(purge_copies, app, sent=line is lines[0]))


def purge_copies(app: App, inbox: ImapInbox, *, sent: bool) -> purging.Copies | None:
    """
    Remove from a mailbox what is no longer kept; None while another process reads it.

    Raises: InboxUnavailableError, DatabaseUnavailableError.
    """
    with _alone(app, f"mailbox:{inbox.account.mailbox}") as renew:
        return None if renew is None else purging.purge_copies(app, inbox, sent=sent, now=datetime.now(UTC))


def _try(line: _Line, action: Callable[[ImapInbox], _Result]) -> _Result | None:
    """What *action* answers over this line; None if the line broke, which is then given up."""
    try:
        return action(line.connected())
    except _UNREACHABLE as error:
        log.warning("mailbox cannot be used", extra={"mailbox": line.mailbox, "error": type(error).__name__})
        line.drop(error)
        return None
    except BaseException as error:
        line.drop(error)
        raise


def _wait(line: _Line, seconds: float, work: Callable[[], bool], stopped: Callable[[], bool]) -> bool:
    """
    Wait for new mail by IDLE where the line stands, doing due steps every few seconds meanwhile, until many are due.

    Returns: False if the line broke.
    """
    is_busy = False

    def work_on() -> bool:
        nonlocal is_busy
        try:
            is_busy = work()
        except TemporaryError as error:
            log.warning("steps failed", extra={"error": type(error).__name__})
        return is_busy or stopped()

    def look(inbox: ImapInbox) -> bool:
        return inbox.wait(deadline - time.monotonic(), meanwhile=work_on, every=_STEP_SECONDS)

    deadline = time.monotonic() + seconds
    while not is_busy and not stopped() and time.monotonic() < deadline:
        if line.inbox is None:
            time.sleep(0.2)
            continue
        news = _try(line, look)
        if news is not False:
            return news is not None
    return True


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not stopped() and time.monotonic() < deadline:
        time.sleep(0.2)
