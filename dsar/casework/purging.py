"""
What has been kept long enough -> times and codes that name nobody.

Art. 5(1)(e) GDPR: personal data are kept "for no longer than is necessary for the purposes". Keys go first, then rows,
in one transaction: whatever is interrupted is due again. A hold (IMY, a court) keeps a case whole (Art. 17(3)(e)).
Copies in mailboxes go last, each after its bytes were compared with what was stored.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from dsar.casework import timekeeping
from dsar.casework.context import PROGRAM, App, case_key, mail_key, task_mail_key
from dsar.deadlines import STOCKHOLM, add_months, received_on
from dsar.inbox import ImapInbox
from dsar.lifecycle import Outcome
from dsar.settings import RetentionSection
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty, LetterRow, Message, OutboxRow, Sighting

#: So many things in one transaction.
_AT_ONCE = 50

_EVERY = timedelta(days=1)

_Thing = TypeVar("_Thing")


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[_Thing]):
    """What is kept how long, and how it goes."""

    what: str
    words: str  #: For staff.
    kept_since: Callable[[RetentionSection, date], date]  #: What ended before this day goes today.
    due: Callable[[Transaction, datetime, int | None], Iterable[_Thing]]  #: Args: before when it ended, how many.
    reference: Callable[[_Thing], str]
    remove: Callable[[App, Transaction, _Thing, datetime], None]


@dataclass(frozen=True, kw_only=True)
class Purge:
    """One thing that goes, or went."""

    what: str  #: Name of a rule.
    reference: str  #: D-2026-00042, or M-17


def due(app: App, *, now: datetime) -> Iterator[Purge]:
    """What would go now, in the order of RULES; changes nothing. The database is read until the last one."""
    with app.store.transaction(read_only=True) as tx:
        for rule in RULES:
            for thing in rule.due(tx, _ended_before(app, rule, now), None):
                yield Purge(what=rule.what, reference=rule.reference(thing))


def purge(
    app: App, *, now: datetime, told: Callable[[int, int | None], None] = lambda _done, _total: None
) -> list[Purge]:
    """
    Remove what is due; what went. The files of SQLite databases hold no trace of it afterwards.

    Args: told: is told after each lot how many things are gone; nobody knows of how many.
    """
    gone: list[Purge] = []
    for rule in RULES:
        for lot in _purge(app, rule, now=now):
            gone += lot
            told(len(gone), None)
    with app.store.transaction() as tx:
        tx.set_mark("purged", at=now)
    app.store.truncate_log()
    app.vault.truncate_log()
    return gone


def is_due(app: App, *, now: datetime) -> bool:
    """Whether the last purge is a day old, and the clock that says so may be believed."""
    with app.store.transaction(read_only=True) as tx:
        last = tx.mark("purged")
        if timekeeping.leapt_from(tx, now=now):
            return False
    return timekeeping.is_over(last, every=_EVERY, now=now)


def _purge(app: App, rule: Rule[Any], *, now: datetime) -> Iterator[list[Purge]]:
    """What went, lot by lot."""
    while True:
        with app.store.transaction() as tx:
            things = list(rule.due(tx, _ended_before(app, rule, now), _AT_ONCE))
            gone = [Purge(what=rule.what, reference=rule.reference(thing)) for thing in things]
            for thing, each in zip(things, gone, strict=True):
                rule.remove(app, tx, thing, now)
                tx.record("purged", actor=PROGRAM, at=now, detail={"what": each.what, "of": each.reference})
        yield gone
        if len(things) < _AT_ONCE:
            return


def _ended_before(app: App, rule: Rule[Any], now: datetime) -> datetime:
    first_kept = rule.kept_since(app.settings.retention, received_on(now))
    return datetime.combine(first_kept, time(), tzinfo=STOCKHOLM)


# --------------------------------------------------------------------------------------------------------- the rules


def _remove_mail(app: App, tx: Transaction, message: Message, now: datetime) -> None:
    app.vault.destroy_key(mail_key(message.sha256))
    tx.remove_mail(message, now=now)


def _remove_findings(app: App, tx: Transaction, case: CaseFile, _now: datetime) -> None:
    _forget_questions(app, tx, case)
    tx.remove_findings(case.id or 0)


def _forget_questions(app: App, tx: Transaction, case: CaseFile) -> None:
    """Mails that asked colleagues about the person go, whomever else they asked about."""
    for message_id in tx.empty_task_mails(case.id or 0):
        app.vault.destroy_key(task_mail_key(message_id))


def _remove_data(_app: App, tx: Transaction, sent: tuple[LetterRow, CaseFile], _now: datetime) -> None:
    tx.remove_data(sent[0].id or 0)


def _remove_case(app: App, tx: Transaction, case: CaseFile, now: datetime) -> None:
    """A mail that belongs to another case, too, stays readable there."""
    for _link, message in tx.case_messages(case.id or 0):
        app.vault.withdraw_key(mail_key(message.sha256), wrapped_by=case_key(case))
    for message in tx.mails_of_no_other_case(case.id or 0):
        _remove_mail(app, tx, message, now)
    _forget_questions(app, tx, case)
    app.vault.destroy_key(case_key(case))
    tx.remove_tasks(case.id or 0)
    tx.remove_case(case, now=now)


def _remove_register_line(_app: App, tx: Transaction, case: CaseFile, _now: datetime) -> None:
    tx.remove_register_line(case)


RULES: tuple[Rule[Any], ...] = (
    Rule[Message](
        what="noise",
        words="mail that was no request",
        kept_since=lambda kept, today: today - timedelta(days=kept.noise_days),
        due=lambda tx, before, most: tx.noise(before=before, most=most),
        reference=lambda message: f"M-{message.id}",
        remove=_remove_mail,
    ),
    Rule[CaseFile](
        what="mistaken",
        words="case that was no request",
        kept_since=lambda kept, today: today - timedelta(days=kept.noise_days),
        due=lambda tx, before, most: tx.ended_cases(before=before, most=most, only=Outcome.NOT_A_REQUEST),
        reference=lambda case: case.reference,
        remove=_remove_case,
    ),
    Rule[CaseFile](
        what="findings",
        words="search results and drafts of an ended case",
        kept_since=lambda kept, today: today - timedelta(days=kept.findings_days),
        due=lambda tx, before, most: tx.cases_with_findings(before=before, most=most),
        reference=lambda case: case.reference,
        remove=_remove_findings,
    ),
    Rule[tuple[LetterRow, CaseFile]](
        what="export",
        words="data sent with an answer",
        kept_since=lambda kept, today: today - timedelta(days=kept.export_days),
        due=lambda tx, before, most: tx.letters_with_data(before=before, most=most),
        reference=lambda sent: sent[1].reference,
        remove=_remove_data,
    ),
    Rule[CaseFile](
        what="case",
        words="mails and letters of an ended case",
        kept_since=lambda kept, today: add_months(today, -kept.case_months),
        due=lambda tx, before, most: tx.ended_cases(before=before, most=most),
        reference=lambda case: case.reference,
        remove=_remove_case,
    ),
    Rule[Duty](
        what="do_not_restore",
        words="note of something erased that no backup holds any more",
        kept_since=lambda kept, today: today - timedelta(days=kept.do_not_restore_days),
        due=lambda tx, before, most: tx.restorable_no_more(before=received_on(before), most=most),
        reference=lambda duty: f"T-{duty.id}",
        remove=lambda _app, tx, duty, _now: tx.remove_duty(duty),
    ),
    Rule[CaseFile](
        what="register",
        words="register line of an ended case",
        kept_since=lambda kept, today: add_months(today, -12 * kept.register_years),
        due=lambda tx, before, most: tx.register_lines(before=before, most=most),
        reference=lambda case: case.reference,
        remove=_remove_register_line,
    ),
)


# ------------------------------------------------------------------------------------------------ copies in mailboxes


@dataclass(frozen=True, kw_only=True)
class Copies:
    """What became of the copies in one mailbox."""

    removed: int = 0
    differing: int = 0  #: Left alone: other bytes lie in their place, or the server cannot remove single mails.


def purge_copies(app: App, inbox: ImapInbox, *, sent: bool, now: datetime) -> Copies:
    """
    Remove from a mailbox what is no longer kept here, in the done and the sent folder and nowhere else.

    Args: sent: whether this mailbox holds the copies of our letters. Raises: InboxUnavailableError.
    """
    account = inbox.account
    with app.store.transaction(read_only=True) as tx:
        handled = tx.handled_copies_left(account.mailbox)
        letters = tx.sent_copies_left() if sent else ()
    placed = {(row.done_uid_validity or 0, row.done_uid or 0): row for row in handled}
    wanted = {place: row.sha256 or "" for place, row in placed.items()}
    gone: list[Sighting | OutboxRow] = [placed[place] for place in inbox.expunge(account.done_folder, wanted)]
    gone += [letter for letter in letters if inbox.expunge_sent(letter.message_id, letter.mime_sha256)]
    with app.store.transaction() as tx:
        tx.note_copies_gone(gone, now=now)
    return Copies(removed=len(gone), differing=len(handled) + len(letters) - len(gone))
