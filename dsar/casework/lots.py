"""
Many new mails at once -> what sorting them one after the other would have made of them, with few commits.

Most mails of a full mailbox belong to nothing that is known. They are read and sorted side by side in the guarded
children, and one transaction files those that ask nothing and opens the cases of the others. Every mail that may belong
to something, and every mail that anything goes wrong with, is left to `intake.sort`, which takes it alone: one bad mail
spoils nothing for the others.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

from dsar import guard
from dsar.casework import health, intake, thread
from dsar.casework.context import PROGRAM, App
from dsar.casework.opening import open_within
from dsar.errors import DsarError
from dsar.model import Disposition, Triage
from dsar.store.tables import Work


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


def settle_unrelated(app: App, lot: Lot, *, now: datetime) -> list[tuple[Work, guard.Examined | None]]:
    """
    File the mails that belong to nothing known, or open their cases; all, or none if it raises.

    Returns: the steps that are left, each with its mail as far as that could be read.
    """
    read = {message_id: _outcome(reading) for message_id, reading in lot.readings.items()}
    single = {message_id: examined for message_id, examined in read.items() if examined and not _is_special(examined)}
    traces = {message_id: thread.traces(app, examined.mail) for message_id, examined in single.items()}
    with app.store.transaction() as tx:
        known = tx.known_traces({trace for each in traces.values() for trace in each})
        done: list[int] = []
        filed: dict[int, Triage] = {}
        messages = tx.new_messages(list(single), keep=True)
        with app.vault.one_commit():  # within: whoever has one of these mails may need the keys, too
            for message in messages:
                message_id = message.id or 0
                found = single[message_id].triage
                asks = found.disposition is Disposition.REQUEST
                if known & traces[message_id] or (asks and app.look_up_txt):  # which asks the DNS: that may take long
                    continue
                if asks:
                    message.flags = list(found.flags)
                    opened = open_within(app, tx, message, single[message_id].mail, found, actor=PROGRAM, now=now)
                    known |= traces[message_id] | set(opened)  # what follows in this lot may belong to these cases
                else:
                    filed[message_id] = found
                done.append(message_id)
        tx.file_messages(
            {each: (found.disposition, intake.status_of(found), found.flags) for each, found in filed.items()}
        )
        details = [{"disposition": str(found.disposition)} for found in filed.values()]
        tx.record_each("message_sorted", details, actor=PROGRAM, at=now)
        tx.finish_each([work for work in lot.works if work.subject_id in done])
    return [(work, read.get(work.subject_id)) for work in lot.works if work.subject_id not in done]


def _is_special(examined: guard.Examined) -> bool:
    """Whether a mail can be about a mail of ours, or a case, without a trace of it."""
    mail = examined.mail
    return mail.is_bounce or mail.is_delay or health.is_like_self_test(mail)


def _outcome(reading: Future[guard.Examined]) -> guard.Examined | None:
    """None if the mail could not be read; whoever takes it alone finds out why."""
    try:
        return reading.result()
    except DsarError:
        return None
