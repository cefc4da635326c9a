"""
A request that is still open after two weeks -> mails to those who can do something about it.

On day 14 to its handler, on day 21 to the approvers too, on day 26 to the alarm address too, and once more when it is
late; each time to the owner of every system that has not answered. Calendar days from receipt, whatever was paused.
Mails name references, dates and systems, never a person (P3(e), P9).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dsar import deadlines
from dsar.approval import Role
from dsar.casework import clocking, health, views
from dsar.casework.approving import coverage_failures
from dsar.casework.context import PROGRAM, App
from dsar.errors import OutboxUnavailableError
from dsar.lifecycle import State
from dsar.outbox import SmtpOutbox
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: From which day on who else hears of it.
_APPROVERS_FROM, _ALARM_ADDRESS_FROM = clocking.ALARM_DAYS[1:]


def alarm(app: App, request_id: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: tell whoever can do something about an open request, and look again later.

    Raises: OutboxUnavailableError: no mail could leave, try again.
    """
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state == State.CLOSED:
            return
        name, due_on = clocking.next_alarm(tx, request, today=deadlines.received_on(now))
        if deadlines.received_on(now) < due_on:
            clocking.watch(tx, request)
            return
        case = tx.case_by_id(request.case_id)
        line = views.request_line(
            app,
            request,
            case,
            deadlines.received_on(now),
            outcomes=tx.search_outcomes(case),
            asked=tx.tasks_of(case.id or 0),
        )
        mails = {**_to_staff(app, case, line, name, now), **_to_owners(app, tx, case, line)}
    once = f"request {request_id} {name}"
    sent = [health.tell(app, outbox, to, subject, text, now=now, once=once) for to, (subject, text) in mails.items()]
    if mails and not any(sent):
        raise OutboxUnavailableError("no alarm could be sent")
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        tx.record(
            clocking.ALARM_RAISED,
            actor=PROGRAM,
            at=now,
            case_id=request.case_id,
            request_id=request.id,
            detail={"day": name, "mails": str(sum(sent))},
        )
        if name != clocking.LATE:
            clocking.watch(tx, request)


def _to_staff(
    app: App, case: CaseFile, line: views.QueueLine, name: str, now: datetime
) -> Mapping[str, tuple[str, str]]:
    day = (deadlines.received_on(now) - line.received_on).days
    chosen, members = app.settings, app.settings.members
    handler = chosen.reached(case.handler, deadlines.received_on(now))
    approvers = [each.email for each in members.values() if each.role != Role.HANDLER]
    to = [handler.email] if handler else list(approvers)
    if name == clocking.LATE or int(name) >= _APPROVERS_FROM:
        to += approvers
    if (name == clocking.LATE or int(name) >= _ALARM_ADDRESS_FROM) and chosen.health.alarm_address:
        to.append(chosen.health.alarm_address)
    subject = f"dsar: {line.reference}, day {day}"
    return {address: (subject, _text(line, day)) for address in dict.fromkeys(to)}


def _text(line: views.QueueLine, day: int) -> str:
    late = "It is late: the law's day has passed." if day > (line.legal_on - line.received_on).days else ""
    said = [
        f"{line.reference} was received on {line.received_on} and is open on day {day}.",
        f"It is to be sent by {line.send_by_on}; the law's limit is {line.legal_on} (Art. 12(3) GDPR). {late}".strip(),
        f"It stands in {line.state} and waits for: {line.waits_for}.",
        *(f"- {blocker}" for blocker in line.blockers),
        "",
        f"'dsar show {line.reference.partition('/')[0]}' tells more; 'dsar show {line.reference} --clock' the dates.",
    ]
    return "\n".join(said)


def _to_owners(app: App, tx: Transaction, case: CaseFile, line: views.QueueLine) -> Mapping[str, tuple[str, str]]:
    """One mail to each owner of systems that hold the case up."""
    held_up: dict[str, list[str]] = {}
    for name in _silent(app, tx, case):
        owner = app.settings.systems[name].owner
        if owner is not None:
            held_up.setdefault(owner, []).append(name)
    return {
        owner: (
            f"dsar: {', '.join(names)} holds up {line.reference}",
            _to_owner(line, names),
        )
        for owner, names in held_up.items()
    }


def _to_owner(line: views.QueueLine, names: Sequence[str]) -> str:
    return (
        f"{line.reference} is to be answered by {line.send_by_on} and waits for what these systems hold: "
        f"{', '.join(names)}.\n\nPlease see to it that they answer, or tell {line.handler or 'the handler'} why not."
    )


def _silent(app: App, tx: Transaction, case: CaseFile) -> Sequence[str]:
    """Systems that were searched and have not answered in full."""
    if not case.search_run:
        return ()
    failures = coverage_failures(app, tx, case)
    return [name for name in app.settings.systems if any(f"system {name} " in failure for failure in failures)]
