"""
Everything that is open -> lines of the queue, most urgent first; mail that ended without a case.

Effects: reads the database.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dsar import deadlines
from dsar.casework.context import App
from dsar.casework.desks import LATE, PERSON, UNANSWERED
from dsar.casework.flags import MAIL_FAILED, REMINDER
from dsar.casework.obstacles import obstacles, of_identity
from dsar.lifecycle import State
from dsar.model import Right
from dsar.store import DONE_BY_PROGRAM, Transaction
from dsar.store.tables import CaseFile, Duty, Message, OutboxRow, PassPhrase, RecipientNotice, Request, Sighting, Task

#: Whose turn it is in each state, in the words of the queue.
WAITS_FOR = {
    State.RECEIVED: "program",
    State.TRIAGE: "person: sort",
    State.IDENTITY: "person: verify",
    State.CLARIFYING: "requester",
    State.SEARCHING: "program",
    State.REVIEW: "person: approve",
    State.APPROVED: "program",
    State.APPLYING: "program",
    State.DISPATCHING: "program",
    State.BLOCKED: "person: release",
}


#: Everything that the queue can wait for.
WAITED_FOR = frozenset(WAITS_FOR.values()) | {
    "person: duty",
    "person: mail failed",
    "person: open it in the mailbox",
    "person: phrase",
    "person: post",
    "person: task",
}


#: States of a notice to a recipient (Art. 19) in which a person has something to do, and what.
_NOTICE_WAITS = {
    "prepared": "approve it, or leave it out with a reason",
    "answered": "read the answer, then confirm",
    "bounced": "it came back: give another address",
    "silent": "no answer after two reminders: call, then confirm or leave out",
}


@dataclass(frozen=True, kw_only=True)
class QueueLine:
    """One thing that waits, with what a person needs to choose what to do next; no personal data."""

    reference: str  #: D-2026-00042/access, or M-17 for a mail that a person must sort
    state: str
    waits_for: str
    received_on: date
    send_by_on: date
    legal_on: date
    days_left: int  #: Calendar days from today to send_by_on; negative: too late for the plan.
    handler: str | None
    blockers: tuple[str, ...]
    flags: tuple[str, ...]


def queue(app: App, *, now: datetime) -> list[QueueLine]:
    """Everything that is open, most urgent first."""
    today = deadlines.received_on(now)
    with app.store.transaction(read_only=True) as tx:
        outcomes, asked = tx.search_outcomes_of_open(), defaultdict(list)
        for task, _ in tx.tasks_in(UNANSWERED):
            asked[task.case_id].append(task)
        lines = [
            request_line(
                app, request, case, today, outcomes=outcomes.get(case.id or 0, {}), asked=asked.get(case.id or 0, ())
            )
            for request, case in tx.open_requests()
        ]
        lines += [_message_line(app, message, today) for message in tx.messages_waiting()]
        lines += [_unfetched_line(sighting, today) for sighting in tx.unfetched()]
        lines += [_uncertain_line(tx, row, today) for row in tx.outgoing_in_state("uncertain") if _is_loose(tx, row)]
        lines += [_task_line(tx, task, case, today) for task, case in tx.tasks_in({PERSON}, of_open_cases=True)]
        lines += [_task_line(tx, task, case, today) for task, case in tx.tasks_in({LATE})]
        lines += [_post_line(tx, row, today) for row in tx.outgoing_in_state("to_post")]
        lines += [_phrase_line(tx, row, today) for row in tx.pass_phrases_in_state(*_PHRASE_WAITS)]
        lines += [_failed_line(tx, row, today) for row in tx.outgoing_in_state("failed") if _is_missed(tx, row)]
        lines += [_duty_line(duty, today) for duty in tx.open_duties(due_by=today) if not _is_programs(duty, today)]
        lines += [_notice_line(tx, notice, today) for notice in tx.notices(states=_NOTICE_WAITS)]
    return sorted(lines, key=_urgency)


#: Flags of what is never answered by a machine and comes before everything else.
_FIRST = frozenset({"authority", "breach", "complaint", "criminal_record", "protected_identity", "minor", "threat"})


def _urgency(line: QueueLine) -> tuple[object, ...]:
    """Special matters, then by date; of one day reminders, then marketing stops, which take a minute (Art. 21(3))."""
    is_stop = line.reference.endswith(f"/{Right.OBJECT}")
    return (not _FIRST & set(line.flags), line.send_by_on, REMINDER not in line.flags, not is_stop, line.reference)


@dataclass(frozen=True, kw_only=True)
class FiledLine:
    """A mail that ended without a case."""

    reference: str  #: M-17
    disposition: str
    received_on: date
    flags: tuple[str, ...]


def filed(app: App) -> list[FiledLine]:
    """Mail of machines, lists and senders who asked for nothing, newest first: kept for a while, never answered."""
    with app.store.transaction(read_only=True) as tx:
        return [
            FiledLine(
                reference=f"M-{message.id}",
                disposition=message.disposition or "",
                received_on=deadlines.received_on(message.received_at),
                flags=tuple(message.flags),
            )
            for message in tx.messages_filed()
        ]


def _waits_for(state: State, request: Request, today: date) -> str:
    """Whose turn it is; a question that nobody has answered in time is a person's again."""
    if state is State.CLARIFYING and request.send_by_on <= today:
        return WAITS_FOR[State.IDENTITY]
    return WAITS_FOR[state]


def request_line(
    app: App, request: Request, case: CaseFile, today: date, *, outcomes: Mapping[str, str], asked: Sequence[Task]
) -> QueueLine:
    """The line of one open request. Args: outcomes, asked: as `obstacles` takes them."""
    state = State(request.state)
    blockers: tuple[str, ...] = ()
    if state is State.REVIEW:
        blockers = tuple(obstacles(app, case, request, outcomes=outcomes, asked=asked))
    elif state is State.IDENTITY:
        blockers = tuple(of_identity(case, request))
    if request.blocked_reason:
        blockers = (*blockers, request.blocked_reason)
    return QueueLine(
        reference=f"{case.reference}/{request.right}",
        state=state,
        waits_for=_waits_for(state, request, today),
        received_on=deadlines.received_on(request.received_at),
        send_by_on=request.send_by_on,
        legal_on=request.legal_on,
        days_left=(request.send_by_on - today).days,
        handler=case.handler,
        blockers=blockers,
        flags=tuple(case.flags),
    )


def _message_line(app: App, message: Message, today: date) -> QueueLine:
    received_on = deadlines.received_on(message.received_at)
    dates = deadlines.deadlines(received_on, closures=app.settings.closures)  # in doubt it is a request (Art. 12(2))
    unreadable = message.status == "quarantine"
    return QueueLine(
        reference=f"M-{message.id}",
        state=message.status,
        waits_for="person: sort",
        received_on=received_on,
        send_by_on=dates.send_by_on,
        legal_on=dates.legal_on,
        days_left=(dates.send_by_on - today).days,
        handler=None,
        blockers=("the program could not read it",) if unreadable else (),
        flags=(*filter(None, [message.disposition]), *message.flags),
    )


def _unfetched_line(sighting: Sighting, today: date) -> QueueLine:
    """A mail that the server will not give: nobody knows how old it is, so it is due now."""
    return QueueLine(
        reference=f"{sighting.mailbox}/{sighting.folder}/{sighting.uid}",
        state="unfetchable",
        waits_for="person: open it in the mailbox",
        received_on=today,
        send_by_on=today,
        legal_on=today,
        days_left=0,
        handler=None,
        blockers=(f"the mail server would not give it, {sighting.attempts} time(s)",),
        flags=(),
    )


def _is_loose(tx: Transaction, row: OutboxRow) -> bool:
    """Whether no blocked request tells of an uncertain mail: an acknowledgement, or a letter that was voided since."""
    if row.case_id is None:
        return False  # of a mail to a colleague: they are reminded anyhow
    return row.letter_id is None or not any(
        request.state == State.BLOCKED for request in tx.requests_of_letter(row.letter_id)
    )


def _is_missed(tx: Transaction, row: OutboxRow) -> bool:
    """Whether a mail that answers no request never arrived and nobody has seen that yet."""
    return row.case_id is not None and MAIL_FAILED in tx.case_by_id(row.case_id).flags and not tx.answered_by(row)


def _failed_line(tx: Transaction, row: OutboxRow, today: date) -> QueueLine:
    """A notice, question, code or acknowledgement that no server took; `dsar release CASE --seen` ends it."""
    blocker = f"the {row.kind.replace('_', ' ')} could not be delivered"
    return _mail_line(tx, row, today, state="failed", waits_for="person: mail failed", blocker=blocker)


def _post_line(tx: Transaction, row: OutboxRow, today: date) -> QueueLine:
    """A letter to print and post; `dsar post` writes it, `--posted` says that it is on its way."""
    blocker = f"the {row.kind.replace('_', ' ')} is to be printed and posted"
    return _mail_line(tx, row, today, state="to_post", waits_for="person: post", blocker=blocker)


#: State of a pass-phrase whose answer has left -> who is waited for, and why.
_PHRASE_WAITS = {
    "to_post": ("person: post", "the pass-phrase is to be printed and posted"),
    "to_read": ("person: phrase", "the pass-phrase is to be read out: 'dsar show CASE --passphrase'"),
    "failed": ("person: phrase", "the pass-phrase could not be sent by SMS: 'dsar passphrase CASE --by ...'"),
    "uncertain": ("person: phrase", "nobody knows whether the pass-phrase arrived: 'dsar passphrase CASE --by ...'"),
}


def _phrase_line(tx: Transaction, row: PassPhrase, today: date) -> QueueLine:
    """An answer that the person cannot open yet."""
    waits_for, blocker = _PHRASE_WAITS[row.state]
    return _case_line(tx, row.case_id, today, state=row.state, waits_for=waits_for, blocker=blocker)


def _uncertain_line(tx: Transaction, row: OutboxRow, today: date) -> QueueLine:
    blocker = f"nobody knows whether mail {row.id} left ({row.kind})"
    return _mail_line(tx, row, today, state="uncertain", waits_for=WAITS_FOR[State.BLOCKED], blocker=blocker)


def _mail_line(tx: Transaction, row: OutboxRow, today: date, *, state: str, waits_for: str, blocker: str) -> QueueLine:
    return _case_line(tx, row.case_id or 0, today, state=state, waits_for=waits_for, blocker=blocker)


def _case_line(tx: Transaction, case_id: int, today: date, *, state: str, waits_for: str, blocker: str) -> QueueLine:
    case = tx.case_by_id(case_id)
    first = tx.requests(case.id or 0)[0]
    return QueueLine(
        reference=case.reference,
        state=state,
        waits_for=waits_for,
        received_on=deadlines.received_on(first.received_at),
        send_by_on=first.send_by_on,
        legal_on=first.legal_on,
        days_left=(first.send_by_on - today).days,
        handler=case.handler,
        blockers=(blocker,),
        flags=tuple(case.flags),
    )


def _task_line(tx: Transaction, task: Task, case: CaseFile, today: date) -> QueueLine:
    """A task that only a person can end; `dsar task show` tells more."""
    first = min(tx.requests(case.id or 0), key=lambda request: request.send_by_on)
    return QueueLine(
        reference=task.reference,
        state="task",
        waits_for="person: task",
        received_on=deadlines.received_on(task.opened_at),
        send_by_on=first.send_by_on,
        legal_on=first.legal_on,
        days_left=(first.send_by_on - today).days,
        handler=case.handler,
        blockers=(f"{task.system} ({case.reference}): {task.why}",),
        flags=(),
    )


def _is_programs(duty: Duty, today: date) -> bool:
    """Whether the program does it today; one that it could not do, or that is late, goes before a person."""
    return duty.kind in DONE_BY_PROGRAM and not duty.problem and duty.due_on == today


def _notice_line(tx: Transaction, notice: RecipientNotice, today: date) -> QueueLine:
    """A recipient who is to be told, or has to be asked (Art. 19)."""
    case_id = tx.request(notice.request_id).case_id
    blocker = f"notice {notice.id}: {_NOTICE_WAITS[notice.state]}"
    return _case_line(tx, case_id, today, state=notice.state, waits_for="person: notice", blocker=blocker)


def _duty_line(duty: Duty, today: date) -> QueueLine:
    return QueueLine(
        reference=f"T-{duty.id}",
        state=duty.kind,
        waits_for="person: duty",
        received_on=duty.due_on,
        send_by_on=duty.due_on,
        legal_on=duty.due_on,
        days_left=(duty.due_on - today).days,
        handler=None,
        blockers=(
            *filter(None, [duty.problem]),
            f"{duty.system}/{duty.object} ({duty.case_reference}), see 'dsar duties'",
        ),
        flags=(),
    )
