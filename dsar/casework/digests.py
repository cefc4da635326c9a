"""
Open tasks -> one mail a day to each colleague, reminders on day 3, 7 and 10, and word to whoever can do more.

A mail holds all that this colleague has open: the least that finds the person, never what they wrote and no
personnummer (Art. 5(1)(c)), and says which answers there are. Its subject names nobody (P9). Whoever is away is stood
in for.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from email.policy import SMTP

from dsar import deadlines, dispatch
from dsar.approval import Role
from dsar.casework import desks, health, tasks
from dsar.casework.context import PROGRAM, App, question_of, task_mail_key
from dsar.casework.desks import OPEN, PERSON
from dsar.casework.sending import commit_mail
from dsar.casework.wording import Asked, clarity_text, digest_text, escalation_text
from dsar.errors import OutboxUnavailableError, UndeliverableAddressError
from dsar.lifecycle import State
from dsar.outbox import SmtpOutbox
from dsar.settings import ColleagueSection, Settings
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Task, TaskMail

#: Kinds of mail to colleagues.
DIGEST, CLARITY = "task_digest", "task_clarity"

#: Calendar days after the first mail on which a colleague is reminded, and from which on others are told.
REMIND_ON, ESCALATE_ON = (3, 7, 10), 11

_MORNING = time(7)
_REPLY_WITHIN = 3  #: Working days.


def ask(app: App, task_id: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: ask a colleague about a task, remind them, or tell others that they do not answer; look again when it is due.

    Raises: OutboxUnavailableError: nobody could be told, try again.
    """
    today = deadlines.received_on(now)
    with app.store.transaction() as tx:
        task = tx.task(task_id)
        if task is None or task.state != OPEN:
            return
        if all(request.state == State.CLOSED for request in tx.requests(task.case_id)):
            return  # nobody needs the answer any more; a case that is reopened asks again
        case = tx.case_by_id(task.case_id)
        owner = tasks.owner_of(app, case, task)
        person = recipient(app.settings, owner, away=task.deputised, today=today)
        index = desks.person_index(app, person)
        tx.hold(f"{DIGEST} {index}")  # of two machines one writes, and the other sees that it did
        if not _is_due(tx, task, index, today):
            escalates = _escalates(app.settings, task, owner, person, today)
            _look_again(tx, task, today)
        elif tx.was_written_to(index, today, kind=DIGEST):  # one mail a day; this waits for tomorrow's
            tx.enqueue("ask", task_id, due_at=deadlines.moment(today + timedelta(days=1), _MORNING))
            return
        else:
            _write(app, tx, person, today=today, now=now)
            return
    if escalates:
        _escalate(app, task, case, outbox=outbox, now=now)


def recipient(settings: Settings, owner: str, *, away: bool, today: date) -> str:
    """
    Address of who is asked instead of *owner*, or the owner's own.

    Args: away: the owner's mailbox said so, whatever the settings say of absence.
    """
    colleague = settings.colleague(owner)
    seen = {owner}
    while colleague is not None and (today in colleague.absent or (away and colleague.email == owner)):
        deputy = settings.colleagues.get(colleague.deputy or "")
        if deputy is None or deputy.email in seen:
            break
        colleague = deputy
        seen.add(colleague.email)
    return colleague.email if colleague else owner


# --------------------------------------------------------------------------------------------------------- when


def _passed(task: Task, today: date) -> int:
    """How many days of REMIND_ON have come."""
    if task.asked_at is None:
        return 0
    age = (today - deadlines.received_on(task.asked_at)).days
    return sum(day <= age for day in REMIND_ON)


def _is_due(tx: Transaction, task: Task, index: str, today: date) -> bool:
    """Whether this person is to be written to about this task."""
    return not tx.was_asked(task.id or 0, index) or _passed(task, today) > task.reminders


def _escalates(settings: Settings, task: Task, owner: str, person: str, today: date) -> bool:
    """Whether others are to be told: nobody has answered for long, or the owner is away and nobody stands in."""
    if task.escalated_at is not None or task.asked_at is None:
        return False
    colleague = settings.colleague(owner)
    away = task.deputised or (colleague is not None and today in colleague.absent)
    return (away and person == owner) or (today - deadlines.received_on(task.asked_at)).days >= ESCALATE_ON


def _look_again(tx: Transaction, task: Task, today: date) -> None:
    """Make the next look at a task due."""
    if task.asked_at is None:
        return
    asked_on = deadlines.received_on(task.asked_at)
    days = [asked_on + timedelta(days=day) for day in (*REMIND_ON, ESCALATE_ON)]
    coming = [day for day in days if day > today]
    if coming:
        tx.enqueue("ask", task.id or 0, due_at=deadlines.moment(coming[0], _MORNING))


# -------------------------------------------------------------------------------------------------------- the mail


@dataclass(frozen=True, kw_only=True)
class _Item:
    task: Task
    case: CaseFile
    asked: Asked


def _write(app: App, tx: Transaction, person: str, *, today: date, now: datetime) -> None:
    """Write one mail with all that is open for *person*, and note it."""
    colleague = _colleague(app.settings, person)
    items = [
        _item(app, case, task, colleague)
        for task, case in tx.tasks_in({OPEN}, of_open_cases=True)
        if recipient(app.settings, tasks.owner_of(app, case, task), away=task.deputised, today=today) == person
    ]
    reminds = any(_passed(each.task, today) > each.task.reminders for each in items)
    reply_by = deadlines.add_working_days(today, _REPLY_WITHIN)
    handler = next((each for each in (app.settings.reached(item.case.handler, today) for item in items) if each), None)
    subject, text = digest_text(
        colleague.language,
        name=colleague.name,
        items=[each.asked for each in items],
        reply_by=reply_by,
        contact=f"{handler.name}, {handler.email}" if handler else app.controller.email,
        reminds=reminds,
    )
    mine = [each.task for each in items]
    if not queue(app, tx, person, subject, text, about=mine, kind=DIGEST, in_reply_to=None, now=now):
        return
    for each in items:
        task = each.task
        passed = _passed(task, today)
        name = "task_asked" if task.asked_at is None or passed == task.reminders else "task_reminded"
        task.asked_at, task.reminders = task.asked_at or now, passed
        detail = {"task": task.reference, "reminder": str(passed)}
        tx.record(name, actor=PROGRAM, at=now, case_id=task.case_id, detail=detail)
        _look_again(tx, task, today)


def _item(app: App, case: CaseFile, task: Task, colleague: ColleagueSection) -> _Item:
    owner = tasks.owner_of(app, case, task)
    return _Item(
        task=task,
        case=case,
        asked=Asked(
            reference=task.reference,
            kind=task.kind,
            place=app.system_label(task.system).in_language(colleague.language),
            question=question_of(app, case, task),
            instead_of="" if owner == colleague.email else tasks.owner_name(app, case, task),
        ),
    )


def _colleague(settings: Settings, person: str) -> ColleagueSection:
    """Who has this address; somebody who is no longer in the settings is addressed by it."""
    return settings.colleague(person) or ColleagueSection(name=person, email=person)


def clarify(app: App, tx: Transaction, task: Task, person: str, *, in_reply_to: str | None, now: datetime) -> None:
    """Ask once what an unclear answer means."""
    colleague = _colleague(app.settings, person)
    subject, text = clarity_text(colleague.language, task.reference, task.kind)
    task.clarified = True
    queue(app, tx, person, subject, text, about=[task], kind=CLARITY, in_reply_to=in_reply_to, now=now)
    tx.record("task_unclear", actor=PROGRAM, at=now, case_id=task.case_id, detail={"task": task.reference})


def queue(
    app: App,
    tx: Transaction,
    person: str,
    subject: str,
    text: str,
    *,
    about: Sequence[Task],
    kind: str,
    in_reply_to: str | None,
    now: datetime,
) -> bool:
    """Commit a mail to a colleague with the caller's transaction; False, and a person looks, if none can be written."""
    message_id = dispatch.new_message_id("task", secrets.token_hex(8), app.settings.own_domain)
    mail = EmailMessage(policy=SMTP)
    try:
        mail["From"] = dispatch.deliverable_address(app.settings.smtp_sender)
        mail["To"] = dispatch.deliverable_address(person)
    except UndeliverableAddressError:
        for task in about:
            task.state, task.why = PERSON, "unreachable"
        return False
    mail["Subject"], mail["Date"], mail["Message-ID"] = subject, now, message_id
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = in_reply_to
    # RFC 3834 section 5; nothing that keeps an out-of-office notice from telling us that somebody else must be asked
    mail["Auto-Submitted"] = "auto-generated" if kind == DIGEST else "auto-replied"
    mail.set_content(text, cte="quoted-printable")
    content = mail.as_bytes()
    key = task_mail_key(message_id)
    app.vault.create_key(key)
    row = commit_mail(app, tx, content, key=key, message_id=message_id, recipient=person, kind=kind, now=now)
    index, today = desks.person_index(app, person), deadlines.received_on(now)
    for task in about:
        tx.add_task_mail(TaskMail(task_id=task.id or 0, outbox_id=row.id or 0, person_index=index, sent_on=today))
    return True


# ------------------------------------------------------------------------------------------------------ escalation


def _escalate(app: App, task: Task, case: CaseFile, *, outbox: SmtpOutbox, now: datetime) -> None:
    """Tell the manager of whoever does not answer, and who handles the case; the person concerned is not named."""
    settings = app.settings
    colleague = _colleague(settings, tasks.owner_of(app, case, task))
    handler = settings.reached(case.handler, deadlines.received_on(now))
    approvers = [each.email for each in settings.members.values() if each.role != Role.HANDLER]
    to = [*filter(None, [colleague.manager]), *([handler.email] if handler else approvers)]
    with app.store.transaction(read_only=True) as tx:
        send_by = min(request.send_by_on for request in tx.requests(case.id or 0))
    subject, text = escalation_text(
        task.reference,
        case=case.reference,
        place=app.system_label(task.system).en,
        colleague=colleague.name,
        asked_on=deadlines.received_on(task.asked_at or now),
        send_by=send_by,
    )
    once = f"task {task.id}"
    sent = [health.tell(app, outbox, each, subject, text, now=now, once=once) for each in dict.fromkeys(to)]
    if to and not any(sent):
        raise OutboxUnavailableError("no word about an unanswered task could be sent")
    with app.store.transaction() as tx:
        current = tx.task(task.id or 0)
        if current is not None:
            current.escalated_at = now
            detail = {"task": task.reference, "mails": str(sum(sent))}
            tx.record("task_escalated", actor=PROGRAM, at=now, case_id=case.id, detail=detail)
