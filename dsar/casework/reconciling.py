"""
What lies on the server against what is stored, once a day: whatever differs is told, and what was never read is read.

Nothing is deleted here, and a mail that somebody deleted from the done folder stays stored: it is missed once.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from dsar.casework import health, intake, timekeeping
from dsar.casework.context import PROGRAM, App
from dsar.inbox import Census, ImapInbox
from dsar.store.tables import Sighting

_EVERY = timedelta(days=1)


@dataclass(kw_only=True)
class Differences:
    """How many mails differ, and how."""

    unread: int = 0  #: Lay in a folder that is read and had been passed over; stored now.
    unmoved: int = 0  #: Lie where they were moved away from, by the server's word; moved again by the next poll.
    unknown: int = 0  #: Lie in the done folder, and nobody ever read them.
    gone: int = 0  #: Were in the done folder and are no longer.
    resized: int = 0  #: Have another size than the server stated before.

    def words(self) -> str:
        """ "1 unread, 2 gone"; "" if nothing differs."""
        counts = [(getattr(self, field.name), field.name) for field in fields(self)]
        return ", ".join(f"{count} {name}" for count, name in counts if count)


def is_due(app: App, mailbox: str, *, now: datetime) -> bool:
    """Whether the last reconciliation of this mailbox is a day old."""
    with app.store.transaction() as tx:
        last = tx.mark(f"reconciled:{mailbox}")
    return timekeeping.is_over(last, every=_EVERY, now=now)


def reconcile(app: App, inbox: ImapInbox, *, now: datetime) -> Differences:
    """
    Compare every folder of one mailbox. The caller holds the mailbox's lease.

    Raises: InboxUnavailableError.
    """
    found = Differences()
    for folder in inbox.account.folders:
        census = inbox.census(folder)
        if census is not None:
            _compare_read(app, inbox, folder, census, found, now=now)
    _compare_done(app, inbox, inbox.census(inbox.account.done_folder), found, now=now)
    mailbox, words = inbox.account.mailbox, found.words()
    with app.store.transaction() as tx:
        tx.set_mark(f"reconciled:{mailbox}", at=now)
        tx.record("reconciled", actor=PROGRAM, at=now, detail={"mailbox": mailbox, "differences": words})
        health.note_differences(tx, mailbox, words, now=now)
    return found


def _compare_read(
    app: App, inbox: ImapInbox, folder: str, census: Census, found: Differences, *, now: datetime
) -> None:
    """A folder that is read: all below the mark is stored, and what was moved is no longer there."""
    mailbox, epoch = inbox.account.mailbox, census.uid_validity
    with app.store.transaction() as tx:
        known = tx.sightings(mailbox, folder, epoch)
        low = tx.last_uid(mailbox, folder, epoch)
        present = [known[uid] for uid in census.sizes if uid in known]
        changed = _resized([(row, census.sizes[row.uid]) for row in present])
        back = [row for row in present if row.moved_at is not None]
        for row in back:
            row.moved_at = row.done_uid = row.done_uid_validity = None
        tx.change_sightings([*changed, *back])
    found.resized += len(changed)
    found.unmoved += len(back)
    passed_over = [uid for uid in census.sizes if uid <= low and uid not in known]
    for batch in inbox.mails(folder, passed_over, seen_at=now) if passed_over else ():
        intake.store_mails(app, batch, now=now)
        found.unread += len(batch)


def _compare_done(app: App, inbox: ImapInbox, census: Census | None, found: Differences, *, now: datetime) -> None:
    """The done folder: each mail that was moved there lies there, and nothing else does."""
    mailbox, folder = inbox.account.mailbox, inbox.account.done_folder
    census = census or Census(uid_validity=0, sizes={})
    with app.store.transaction() as tx:
        handled = tx.handled(mailbox)
        others = tx.sightings(mailbox, folder, census.uid_validity)
    placed = {row.done_uid: row for row in handled if row.done_uid_validity == census.uid_validity}
    unplaced: dict[str | None, list[Sighting]] = defaultdict(list)
    for row in handled:
        if row.done_uid_validity != census.uid_validity:
            unplaced[row.sha256].append(row)
    strange = [uid for uid in census.sizes if uid not in placed and uid not in others]
    found.unknown += _place(app, inbox, census, strange, unplaced, now=now)
    at_hand = {uid: row for uid, row in placed.items() if uid in census.sizes}
    resized = _resized([(row, census.sizes[uid or 0]) for uid, row in at_hand.items()])
    gone = [row for uid, row in placed.items() if uid not in census.sizes]
    gone += [row for rows in unplaced.values() for row in rows]
    for row in gone:
        row.gone_at = now
    with app.store.transaction() as tx:
        tx.change_sightings([*resized, *gone])
        still_there = {row.sha256 for row in tx.handled(mailbox)}
    found.resized += len(resized)
    found.gone += len({row.sha256 for row in gone} - still_there)  # moved back and handled again is no loss


def _place(
    app: App,
    inbox: ImapInbox,
    census: Census,
    uids: Sequence[int],
    unplaced: dict[str | None, list[Sighting]],
    *,
    now: datetime,
) -> int:
    """
    Tell by their bytes which mails of the done folder are the *unplaced* ones, which leave the mapping.

    Returns: how many are nothing that is stored; each is noted, so that it is told once.
    """
    strangers = 0
    for batch in inbox.mails(inbox.account.done_folder, uids, seen_at=now) if uids else ():
        with app.store.transaction() as tx:
            stored = tx.stored({mail.sha256 for mail in batch})
            for mail in batch:
                if rows := unplaced.get(mail.sha256):
                    row = rows.pop()
                    row.done_uid_validity, row.done_uid = census.uid_validity, mail.uid
                    tx.change_sightings([row])
                    continue
                strangers += mail.sha256 not in stored
                tx.add_bystander(mail)
    return strangers


def _resized(pairs: Sequence[tuple[Sighting, int]]) -> list[Sighting]:
    """Sightings whose size is stated otherwise than before, with the new one in them."""
    changed = [(row, size) for row, size in pairs if row.stated_size and size and row.stated_size != size]
    for row, size in changed:
        row.stated_size = size
    return [row for row, _ in changed]
