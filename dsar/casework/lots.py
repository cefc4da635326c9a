"""
Many new mails at once -> what sorting them one after the other would have made of them, with few commits.

Most mails of a full mailbox ask nothing and belong to nothing. They are read and sorted side by side in the guarded
children, and those that turn out so are filed by one transaction. Every other mail, and every mail that anything goes
wrong with, is left to `intake.sort`, which takes it alone: one bad mail spoils nothing for the others.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

from dsar import guard
from dsar.casework import health, intake, thread
from dsar.casework.context import PROGRAM, App
from dsar.errors import DsarError
from dsar.model import Disposition
from dsar.store.tables import Work

#: What a mail may be to be filed without a case.
_ASKS_NOTHING = frozenset(Disposition) - {Disposition.REQUEST, Disposition.FOLLOW_UP, Disposition.BOUNCE}


@dataclass(frozen=True, kw_only=True)
class Lot:
    """Mails that are being read."""

    works: tuple[Work, ...]  #: The step of each mail, in order.
    readings: Mapping[int, Future[guard.Examined]]  #: {id of the message: as it will be read}; of most of them


def begin(app: App, works: Sequence[Work], readers: Executor) -> Lot:
    """Have the mails of these steps read, each as soon as a reader is free."""
    with app.store.transaction(read_only=True) as tx:
        found = tx.new_messages([work.subject_id for work in works])
        sealed = tx.raw_each([message.sha256 for message in found])
    office = intake.office(app)
    readings: dict[int, Future[guard.Examined]] = {}
    for mailbox in {message.mailbox for message in found} - {intake.BY_HAND}:
        mine = [message for message in found if message.mailbox == mailbox and sealed.get(message.sha256)]
        contents = intake.open_each(app, mailbox, {message.sha256: sealed[message.sha256] for message in mine})
        for message in mine:
            if content := contents.get(message.sha256):
                readings[message.id or 0] = readers.submit(guard.examine, content, office)
    return Lot(works=tuple(works), readings=readings)


def file_unrelated(app: App, lot: Lot, *, now: datetime) -> list[tuple[Work, guard.Examined | None]]:
    """
    File the mails that ask nothing and belong to nothing; the steps that are left, with the mail if it could be read.

    Raises: DatabaseUnavailableError; then nothing is filed.
    """
    read = {message_id: _outcome(reading) for message_id, reading in lot.readings.items()}
    plain = {
        message_id: examined
        for message_id, examined in read.items()
        if examined is not None
        and examined.triage.disposition in _ASKS_NOTHING
        and not (examined.mail.is_bounce or examined.mail.is_delay or health.is_like_self_test(examined.mail))
    }
    traces = {message_id: thread.traces(app, examined.mail) for message_id, examined in plain.items()}
    with app.store.transaction() as tx:
        known = tx.known_traces({trace for each in traces.values() for trace in each})
        filed = {
            message_id: (plain[message_id].triage.disposition, intake.status_of(plain[message_id].triage))
            for message_id in tx.still_new([each for each in plain if not known & traces[each]])
        }
        tx.file_messages(filed, flags={message_id: plain[message_id].triage.flags for message_id in filed})
        tx.record_each("message_sorted", [{"disposition": each} for each, _ in filed.values()], actor=PROGRAM, at=now)
        tx.finish_each([work for work in lot.works if work.subject_id in filed])
    return [(work, read.get(work.subject_id)) for work in lot.works if work.subject_id not in filed]


def _outcome(reading: Future[guard.Examined]) -> guard.Examined | None:
    """None if the mail could not be read; whoever takes it alone finds out why."""
    try:
        return reading.result()
    except DsarError:
        return None
