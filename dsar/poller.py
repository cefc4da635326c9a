"""
Mailboxes on the server -> stored mails and due steps; the loop that keeps dsar going.

Effects: reads mailboxes, moves stored mails to the done folder, runs due steps; reads the clock. The order is the
promise P1: fetch, commit, and only then move. A crash anywhere costs a repetition that the sightings absorb.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from dsar import worker
from dsar.casework import intake
from dsar.casework.context import App
from dsar.errors import InboxUnavailableError, TemporaryError, TokenUnavailableError
from dsar.inbox import ImapInbox

log = logging.getLogger(__name__)

_LEASE_SECONDS = 600.0
_RECONNECT_SECONDS = (1, 5, 15, 60)


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
    holder = worker.worker_name()
    lease = f"mailbox:{mailbox}"
    with app.store.transaction() as tx:
        if not tx.take_lease(lease, holder, now=datetime.now(UTC), seconds=_LEASE_SECONDS):
            return Poll(mailbox=mailbox, stored=0, unfetchable=0, busy=True)
    try:
        stored = unfetchable = 0
        for folder in inbox.account.folders:
            stored += _poll_folder(app, mailbox, folder, inbox)
            unfetchable += len(inbox.unfetchable)
    finally:
        with app.store.transaction() as tx:
            tx.give_lease(lease, holder)
    return Poll(mailbox=mailbox, stored=stored, unfetchable=unfetchable)


def _poll_folder(app: App, mailbox: str, folder: str, inbox: ImapInbox) -> int:
    epoch = inbox.uid_validity(folder)
    with app.store.transaction() as tx:
        low = tx.last_uid(mailbox, folder, epoch)
    stored = 0
    for batch in inbox.new_mails(folder, after_uid=low, seen_at=datetime.now(UTC)):
        # before the batch, whose commit moves the mark past them
        _note_unfetchable(app, mailbox, folder, epoch, inbox.unfetchable)
        intake.store_mails(app, batch, now=datetime.now(UTC))
        stored += len(batch)
    _note_unfetchable(app, mailbox, folder, epoch, inbox.unfetchable)
    with app.store.transaction() as tx:
        done = tx.unmoved(mailbox, folder, epoch)
        tx.mark_polled(mailbox, folder, epoch, now=datetime.now(UTC))
    if done:  # committed above, so the server's copy may leave the inbox now
        inbox.move_done(folder, epoch, done)
        with app.store.transaction() as tx:
            tx.mark_moved(mailbox, folder, epoch, done, datetime.now(UTC))
    return stored


def _note_unfetchable(app: App, mailbox: str, folder: str, epoch: int, uids: list[int]) -> None:
    """A mail that the server will not give goes before a person; it stays where it is."""
    with app.store.transaction() as tx:
        for uid in uids:
            tx.add_lost(mailbox, folder, epoch, uid)


def run(
    tools: worker.Tools,
    inboxes: dict[str, Callable[[], ImapInbox]],
    *,
    interval_seconds: float,
    stopped: Callable[[], bool],
) -> None:
    """
    Poll, work, wait, until *stopped*; server restarts and dropped lines are survived.

    Args: interval_seconds: longest wait between two polls, whether or not the server announces new mail.
    """
    worker.free_dead(tools.app)
    failures = 0
    while not stopped():
        try:
            reached = [_try_to_poll(tools.app, mailbox, open_inbox) for mailbox, open_inbox in inboxes.items()]
            worker.run_due(tools)  # letters leave although a mailbox is down
            if all(reached):
                failures = 0
                _wait(tools, inboxes, interval_seconds, stopped)
                continue
        except TemporaryError as error:
            log.warning("round failed", extra={"error": type(error).__name__})
        _sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)], stopped)
        failures += 1


def _try_to_poll(app: App, mailbox: str, open_inbox: Callable[[], ImapInbox]) -> bool:
    """Whether the mailbox could be read."""
    try:
        with open_inbox() as inbox:
            poll(app, mailbox, inbox)
    except (InboxUnavailableError, TokenUnavailableError) as error:
        log.warning("poll failed", extra={"mailbox": mailbox, "error": type(error).__name__})
        return False
    return True


def _wait(
    tools: worker.Tools, inboxes: dict[str, Callable[[], ImapInbox]], seconds: float, stopped: Callable[[], bool]
) -> None:
    """Wait for new mail by IDLE in the first mailbox, doing due steps every few seconds meanwhile."""
    deadline = time.monotonic() + seconds
    with suppress(InboxUnavailableError), next(iter(inboxes.values()))() as inbox:
        while not stopped() and (left := deadline - time.monotonic()) > 0:
            if inbox.wait(min(left, 5.0)):
                return
            worker.run_due(tools)


def _sleep(seconds: float, stopped: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not stopped() and time.monotonic() < deadline:
        time.sleep(0.2)
