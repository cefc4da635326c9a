"""
Whether mail still flows: a daily mail to ourselves, and an alarm when mailbox or self-test has failed for hours.

A privacy mailbox that nobody notices to be dead is a breach in itself: requests stay unanswered (Art. 12(3) GDPR).
Alarms and figures name mailboxes, counts and times, never a person (P9).
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from dsar.casework import timekeeping
from dsar.casework.context import PROGRAM, App
from dsar.errors import DsarError
from dsar.lifecycle import State
from dsar.model import Annex, Disposition, InboundMail
from dsar.outbox import SmtpOutbox
from dsar.settings import Settings
from dsar.store import Transaction

log = logging.getLogger(__name__)

_SELF_TEST = "dsar-self-test"
_TEST_EVERY = timedelta(days=1)
_TEST_AGAIN = timedelta(hours=1)  #: While the last one has not arrived.

#: States in which a request waits for a person.
_WAITING = (State.TRIAGE, State.IDENTITY, State.REVIEW, State.BLOCKED)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something about the flow of mail that a person must look at."""

    name: str  #: Of the incident; one alarm each.
    words: str


def look_after(app: App, outbox: SmtpOutbox, *, now: datetime) -> tuple[Problem, ...]:
    """Send the self-test if it is due, tell problems that are new, write the figures; what is wrong now."""
    with app.store.transaction() as tx:
        for mailbox in app.settings.mailboxes:
            tx.set_mark_once(f"watched:{mailbox}", at=now)
    if app.settings.health.self_test:
        _test(app, outbox, now=now)
    with app.store.transaction() as tx:
        found = problems(app.settings, tx, now=now)
        told = {mark.name for mark in tx.marks("alarm:")}
        for name in told - {f"alarm:{problem.name}" for problem in found}:
            tx.remove_mark(name)
            tx.record("alarm_ended", actor=PROGRAM, at=now, detail={"problem": name.removeprefix("alarm:")})
    for problem in found:
        if f"alarm:{problem.name}" not in told:
            _alarm(app, outbox, problem, now=now)
    if path := app.settings.health.metrics_file:
        with app.store.transaction() as tx:
            figures = "".join(f"{line}\n" for line in _figures(app.settings, tx, now=now))
        _write_whole(path, figures)
    return found


def problems(settings: Settings, tx: Transaction, *, now: datetime) -> tuple[Problem, ...]:
    """What is wrong with the flow of mail."""
    patience = timedelta(hours=settings.health.alarm_after_hours)
    found = []
    for mailbox in settings.mailboxes:
        polled_at = last_poll(settings, tx, mailbox)
        if polled_at is not None and now - polled_at >= patience:
            words = f"Mailbox {mailbox!r} has not been read since {polled_at:%Y-%m-%d %H:%M} UTC."
            found.append(Problem(name=f"poll:{mailbox}", words=words))
        if differs := tx.mark(f"differs:{mailbox}"):
            words = f"Mailbox {mailbox!r} differs from what is stored: {differs.detail}."
            found.append(Problem(name=f"differs:{mailbox}", words=words))
    waiting = tx.mark("self_test_missing") if settings.health.self_test else None
    if waiting is not None and now - waiting.at >= patience:
        words = f"No self-test mail has arrived since the one of {waiting.at:%Y-%m-%d %H:%M} UTC was sent."
        found.append(Problem(name="self_test", words=words))
    if before := timekeeping.leapt_from(tx, now=now):
        words = (
            f"The clock has leapt from {before:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC, so nothing is erased by "
            "the calendar. If it is right, run 'dsar check --clock-is-right'."
        )
        found.append(Problem(name=timekeeping.PROBLEM, words=words))
    return tuple(found)


def last_poll(settings: Settings, tx: Transaction, mailbox: str) -> datetime | None:
    """When all folders of a mailbox had been read; until then, when that was first tried; None if it never was."""
    read = {row.folder: row.polled_at for row in tx.folders() if row.mailbox == mailbox}
    watched = tx.mark(f"watched:{mailbox}")
    times = [read.get(folder, watched.at if watched else None) for folder in settings.mailboxes[mailbox].folders]
    known = [each for each in times if each is not None]
    return min(known) if known else None


def note_differences(tx: Transaction, mailbox: str, words: str, *, now: datetime) -> None:
    """What a reconciliation found: another incident, or the end of the last one."""
    if tx.mark(f"alarm:differs:{mailbox}"):
        tx.remove_mark(f"alarm:differs:{mailbox}")
        tx.record("alarm_ended", actor=PROGRAM, at=now, detail={"problem": f"differs:{mailbox}"})
    if words:
        tx.set_mark(f"differs:{mailbox}", at=now, detail=words)
    else:
        tx.remove_mark(f"differs:{mailbox}")


# ------------------------------------------------------------------------------------------------------- self-test


def _test(app: App, outbox: SmtpOutbox, *, now: datetime) -> None:
    with app.store.transaction() as tx:
        last, missing = tx.mark("self_test_sent"), tx.mark("self_test_missing")
        if not timekeeping.is_over(last, every=_TEST_AGAIN if missing else _TEST_EVERY, now=now):
            return
        _note_self_test(tx, now=now)
    _send_self_test(app, outbox, now=now)


def test_now(app: App, outbox: SmtpOutbox, *, now: datetime) -> bool:
    """Send a self-test whether or not one is due; whether it left."""
    with app.store.transaction() as tx:
        _note_self_test(tx, now=now)
    return _send_self_test(app, outbox, now=now)


def self_test_arrived(tx: Transaction, *, since: datetime) -> bool:
    """Whether one of our self-tests has come back since then."""
    arrived = tx.mark("self_test_arrived")
    return arrived is not None and arrived.at >= since


def _note_self_test(tx: Transaction, *, now: datetime) -> None:
    """First, so that two processes do not both send."""
    tx.set_mark("self_test_sent", at=now)
    tx.set_mark_once("self_test_missing", at=now)


def _send_self_test(app: App, outbox: SmtpOutbox, *, now: datetime) -> bool:
    text = "This mail shows that mail to this address arrives. The program that sent it files it by itself."
    return tell(
        app, outbox, app.settings.self_test_address, "dsar self-test", text, now=now, message_id=_test_id(app, now)
    )


def _test_id(app: App, sent_at: datetime) -> str:
    """A Message-ID that only we can make, and know again without having kept it."""
    second = int(sent_at.timestamp())
    return f"<{_SELF_TEST}-{second}-{app.vault.index(_SELF_TEST, str(second))[:32]}@{app.settings.own_domain}>"


def is_like_self_test(mail: InboundMail) -> bool:
    """Whether a mail bears the name of one of our self-tests, truly or not."""
    return (mail.message_id or "").startswith(f"<{_SELF_TEST}-")


def settle_self_test(app: App, message_id: int, mail: InboundMail, *, now: datetime) -> bool:
    """File one of our own self-tests, which proves that mail arrives; True if the mail is one."""
    if not is_like_self_test(mail):
        return False
    second = (mail.message_id or "").removeprefix(f"<{_SELF_TEST}-").partition("-")[0]
    if not (second.isdecimal() and len(second) < 12 and mail.sender == app.settings.smtp_sender):
        return False
    if mail.message_id != _test_id(app, datetime.fromtimestamp(int(second), UTC)):
        return False
    with app.store.transaction() as tx:
        tx.set_mark("self_test_arrived", at=now)
        tx.remove_mark("self_test_missing")
        message = tx.unsorted(message_id)
        if message is not None:
            message.disposition, message.status = Disposition.INTERNAL, "sorted"
    return True


# ---------------------------------------------------------------------------------------------------------- telling


def _alarm(app: App, outbox: SmtpOutbox, problem: Problem, *, now: datetime) -> None:
    """Tell the alarm address; if the mail cannot leave, it is tried again at the next round."""
    log.error("mail does not flow", extra={"problem": problem.name})
    to = app.settings.health.alarm_address
    text = f"{problem.words}\n\n'dsar check' and 'dsar queue' tell more. You get one mail per incident."
    if to is not None and not tell(app, outbox, to, "dsar: the privacy mailbox needs you", text, now=now):
        return
    with app.store.transaction() as tx:
        tx.set_mark(f"alarm:{problem.name}", at=now)
        tx.record("alarm_raised", actor=PROGRAM, at=now, detail={"problem": problem.name, "told": str(to is not None)})


def tell(
    app: App,
    outbox: SmtpOutbox,
    to: str,
    subject: str,
    text: str,
    *,
    now: datetime,
    message_id: str | None = None,
    once: str = "",
    files: Sequence[Annex] = (),
) -> bool:
    """
    Whether a mail from the program itself left; no machine shall answer it (RFC 3834 section 5).

    Args: once: what it is about. Killed after the mail has left, the program sends it again, for an alarm that nobody
    sees is worse; by one Message-ID for one matter, mail programs show it once.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = app.settings.smtp_sender, to, subject
    mail["Date"] = format_datetime(now)
    named = hashlib.sha256(f"{once}\0{to}".encode()).hexdigest()[:24] if once else str(int(now.timestamp() * 1e6))
    mail["Message-ID"] = message_id or f"<dsar-alarm-{named}@{app.settings.own_domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    for file in files:
        maintype, _, subtype = file.content_type.partition("/")
        if maintype == "text":  # with its charset
            mail.add_attachment(file.content.decode(), subtype=subtype, filename=file.filename)
        else:
            mail.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=file.filename)
    try:
        outbox.send(bytes(mail), sender=app.settings.smtp_sender, recipients=[to])
    except DsarError as error:
        log.warning("mail about the flow of mail did not leave", extra={"error": type(error).__name__})
        return False
    return True


def _figures(settings: Settings, tx: Transaction, *, now: datetime) -> Iterator[str]:
    """Lines of the text format of Prometheus."""
    wrong = {problem.name for problem in problems(settings, tx, now=now)}
    yield "# TYPE dsar_last_poll_timestamp_seconds gauge"
    for mailbox in settings.mailboxes:
        if polled_at := last_poll(settings, tx, mailbox):
            yield f'dsar_last_poll_timestamp_seconds{{mailbox="{mailbox}"}} {polled_at.timestamp():.0f}'
    if backed_up := tx.mark("backed_up"):
        yield "# TYPE dsar_last_backup_timestamp_seconds gauge"
        yield f"dsar_last_backup_timestamp_seconds {backed_up.at.timestamp():.0f}"
    requests = [request for request, _ in tx.open_requests()]
    mails = tx.message_counts()
    gauges = {
        "dsar_poll_ok": not any(name.startswith("poll:") for name in wrong),
        "dsar_self_test_ok": "self_test" not in wrong,
        "dsar_mailboxes_differing": sum(name.startswith("differs:") for name in wrong),
        "dsar_mails_unfetchable": len(tx.unfetched()),
        "dsar_mails_quarantined": mails.get("quarantine", 0),
        "dsar_queue_waiting": mails.get("person", 0)
        + mails.get("quarantine", 0)
        + sum(request.state in _WAITING for request in requests),
        "dsar_steps_failing": sum(work.attempts > 1 for work in tx.work()),
        "dsar_requests_open": len(requests),
        "dsar_requests_late": sum(request.legal_on < now.date() for request in requests),
    }
    for name, value in gauges.items():
        yield f"# TYPE {name} gauge"
        yield f"{name} {int(value)}"


def _write_whole(path: Path, text: str) -> None:
    """Write *text* so that a reader sees the old file or the new one; a disk that is full stops nothing else."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, "utf-8")
        beside.chmod(0o644)  # another program reads it, and it names nobody
        beside.replace(path)
    except OSError as error:
        log.warning("figures cannot be written", extra={"error": type(error).__name__})
