"""What a letter may say, gathered from the case."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from dsar import deadlines, letters, redaction
from dsar.casework import desks, protecting
from dsar.casework.clocking import clock_of
from dsar.casework.context import (
    App,
    grounds_of,
    note_of,
    passage_index,
    passage_of,
    record_index,
    records_of,
    subject_of,
)
from dsar.casework.planning import (
    CHANGING,
    WRITING,
    expected,
    may_ask_more,
    plan,
    records_for,
    stopped_points,
    takes_consent_back,
    told_outcomes,
)
from dsar.identifiers import mask
from dsar.lifecycle import Outcome
from dsar.model import (
    Activity,
    Coverage,
    Identifier,
    IdentifierType,
    LetterFacts,
    PlanStep,
    Recipient,
    Record,
    Right,
    StepAction,
    StepOutcome,
    Strength,
    SystemOutcome,
    Text,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request, SystemRow

#: The activity of handling requests itself: whoever asks is always concerned by it.
HANDLING_REQUESTS = "A11"

#: Rights whose changes are communicated to recipients (Art. 19); a marketing stop is none of them.
COMMUNICATED = frozenset({Right.UPDATE, Right.ERASE, Right.RESTRICT})

#: Decisions after which a letter tells what was done and nothing more is: Request.decision -> LetterFacts.ended.
AFTER_CHANGES: Mapping[str, str] = {"withdrawn": "withdrawn", "done": "by_hand"}


def base_facts(
    app: App, case: CaseFile, *, received_at: datetime, rights: Sequence[Right], now: datetime
) -> LetterFacts:
    """Facts that every letter may use and that tell nothing about what we hold."""
    received_on = deadlines.received_on(received_at)
    return LetterFacts(
        case_reference=case.reference,
        controller=app.controller,
        today=deadlines.received_on(now),
        received_on=received_on,
        nominal_on=deadlines.deadlines(received_on, closures=app.settings.closures).nominal_on,
        rights=tuple(rights),
        handler=app.settings.staff_name(case.handler),
        case_retention_months=app.settings.case_retention_months,
        backup_days=app.settings.backup_days,
    )


def accepted_records(app: App, tx: Transaction, case: CaseFile, right: Right) -> tuple[Record, ...]:
    """
    What the answer is about; see planning.records_for.

    A search from claimed contact points finds whoever's they are: it serves a marketing stop and no other right (P6).
    """
    if right is not Right.OBJECT and not case.search_proven:
        return ()
    found = [record for row in tx.search_results(case) for record in records_of(app, case, row)]
    return records_for(app, right, found, tx.decisions(case.id or 0))


def current_plan(app: App, tx: Transaction, case: CaseFile, right: Right) -> tuple[PlanStep, ...]:
    """What would be done now for *right*, from the latest search and what people have decided since."""
    if right not in CHANGING:
        return ()
    return plan(app, tx, case, right, accepted_records(app, tx, case, right))


def undecided_records(app: App, tx: Transaction, case: CaseFile) -> tuple[Record, ...]:
    """Candidates that nobody has decided about."""
    decisions = tx.decisions(case.id or 0)
    return tuple(
        record
        for row in tx.search_results(case)
        for record in records_of(app, case, row)
        if record.strength is Strength.CANDIDATE and record_index(app, record) not in decisions
    )


def removed_passages(app: App, tx: Transaction, case: CaseFile) -> list[redaction.Passage]:
    """Passages about other people that a person decided to leave out of an access answer."""
    return [passage_of(app, case, row) for row in tx.redactions(case.id or 0) if row.removed]


def undecided_passages(app: App, tx: Transaction, case: CaseFile) -> list[redaction.Passage]:
    """Passages that may be about other people, of what an access answer would hold, and that nobody decided about."""
    decided = {row.passage_index for row in tx.redactions(case.id or 0)}
    return [each for each in proposed_passages(app, tx, case) if passage_index(app, each) not in decided]


def proposed_passages(app: App, tx: Transaction, case: CaseFile) -> tuple[redaction.Passage, ...]:
    """All passages that may be about other people; empty for a case that asks for no access."""
    if not any(request.right == Right.ACCESS for request in tx.requests(case.id or 0)):
        return ()
    records = accepted_records(app, tx, case, Right.ACCESS)
    return redaction.propose(records, own_of(app, case, records))


def own_of(app: App, case: CaseFile, records: Sequence[Record]) -> redaction.Own:
    """What is the person's own, or nobody's, and is never proposed for removal."""
    subject = subject_of(app, case)
    return redaction.own_of(
        records,
        names=(subject.name,),
        identifiers=(*subject.proven, *subject.accepted, *subject.identifiers, *subject.followed),
        company=app.controller.name,
    )


def answer_facts(app: App, tx: Transaction, case: CaseFile, request: Request, *, now: datetime) -> LetterFacts:
    """Facts of a letter that answers *request*, once the systems were searched."""
    facts = base_facts(app, case, received_at=request.received_at, rights=(Right(request.right),), now=now)
    subject = subject_of(app, case)
    silent = desks.unasked(app, tx, case)
    rows = [row for row in tx.search_results(case) if row.system not in silent]
    right = Right(request.right)
    records = accepted_records(app, tx, case, right)
    grounds = grounds_of(app, case, request.id or 0, request.sealed_grounds) if request.sealed_grounds else None
    labels = tuple((row.system, app.system_label(row.system)) for row in rows)
    language = letters.letter_language(case.language)
    removed = removed_passages(app, tx, case) if right is Right.ACCESS else []
    shown = protecting.hidden(case, records)
    known = {**vars(facts)} | {
        "person_name": subject.name if subject.proven else None,
        "reference_on": deadlines.received_on(case.searched_at or now),
        "coverage": tuple(_coverage(app, row, records) for row in rows),
        "search_keys": tuple(dict.fromkeys(map(mask, (*subject.proven, *subject.identifiers)))),
        "records": redaction.without(shown, removed, language),
        "withheld": (*protecting.withheld(case, records), *redaction.told(removed, shown, dict(labels))),
        "system_labels": labels,
        "other_outcomes": tuple(_others(app, tx, case, request, language)) if right is Right.ACCESS else (),
        "consent": right is Right.OBJECT and takes_consent_back(app, tx, case),
        "more_asked": right is Right.OBJECT and may_ask_more(app, tx, case, right),
        "by_post": protecting.channel_of(case) == protecting.POST,
        "staff_note": note_of(app, case, request),
        "portability": right is Right.ACCESS and request.portability,
        "activities": activities_of(app, records),
        "reasons": grounds.reasons if grounds else None,
        "legal_ground": grounds.legal_ground if grounds else None,
        "identity_asked_on": _identity_asked_on(tx, case),
    }
    if right in CHANGING and request.decision in {"", *AFTER_CHANGES}:
        steps = () if request.decision else plan(app, tx, case, right, records)
        known |= {
            "outcomes": protecting.hidden_outcomes(
                case, (*_still_true(told_outcomes(app, tx, case, request), steps), *expected(steps))
            ),
            "done_on": facts.today,
            "recipients": recipients_told(app, tx, request, steps, records),
        }
    if request.decision in AFTER_CHANGES:
        known |= {"ended": AFTER_CHANGES[request.decision], "done_on": facts.today}
    if _stops_marketing(tx, case, request):
        points = [_masked(each, language) for each in stopped_points(app, case, right, records)]
        known["contact_points"] = tuple(dict.fromkeys(points))
    return LetterFacts(**known)


def _masked(point: Identifier, language: str) -> str:
    """As its owner knows it again; a masked street would be known by nobody."""
    return _POSTAL.in_language(language) if point.type is IdentifierType.ADDRESS else mask(point)


_POSTAL = Text(sv="din postadress", en="your postal address")


def recipients_told(
    app: App, tx: Transaction, request: Request, steps: Iterable[PlanStep], records: Sequence[Record]
) -> tuple[str, ...]:
    """Names of those to whom the change is communicated: as declared, and as staff know of (Art. 19)."""
    added = [notice.recipient for notice in tx.notices_of(request.id or 0) if notice.state != "left_out"]
    declared = [one.name for one in recipients_of(app, Right(request.right), steps, records)]
    return tuple(sorted({*declared, *added}))


def recipients_of(
    app: App, right: Right, steps: Iterable[PlanStep], records: Sequence[Record]
) -> tuple[Recipient, ...]:
    """The recipients, named in declarations and register with an address for notices, whom changes by *steps* reach."""
    if right not in COMMUNICATED:
        return ()
    changed = {(step.system, step.object, step.key) for step in steps if step.action in WRITING}
    activities = {
        name for each in records if (each.system, each.object, each.key) in changed for name in each.activities
    }
    found = [one for name in sorted(activities) if name in app.register for one in app.register[name].recipients]
    found += [one for system in sorted({place[0] for place in changed}) for one in app.declarations[system].recipients]
    by_name = {one.name: one for one in reversed(found) if one.notify}
    return tuple(by_name[name] for name in sorted(by_name))


def _others(app: App, tx: Transaction, case: CaseFile, request: Request, language: str) -> Iterator[str]:
    """What became of the other rights of the same matter, or by when they are answered (Art. 12(3))."""
    for other in tx.requests(case.id or 0):
        if other.id == request.id or other.outcome in {Outcome.MERGED, Outcome.NOT_A_REQUEST}:
            continue
        if other.closed_at is not None and other.outcome is not None:
            closed_on = deadlines.received_on(other.closed_at)
            yield letters.outcome_words(Right(other.right), Outcome(other.outcome), closed_on, language)
        else:
            yield letters.open_words(Right(other.right), clock_of(app, tx, other).nominal_on, language)


def _still_true(told: Sequence[StepOutcome], steps: Sequence[PlanStep]) -> list[StepOutcome]:
    """What was done, without the tasks that a person said to be done and that the systems show not to be (P7)."""
    open_tasks = {(step.system, step.object, step.key) for step in steps if step.action is StepAction.TASK}
    return [
        each
        for each in told
        if each.step.action is not StepAction.TASK
        or (each.step.system, each.step.object, each.step.key) not in open_tasks
    ]


def _stops_marketing(tx: Transaction, case: CaseFile, request: Request) -> bool:
    """Whether marketing stops by the plan of this very letter, or has been stopped for this case already."""
    if request.right in {Right.OBJECT, Right.ERASE} and not request.decision:
        return True
    return any(
        other.right == Right.OBJECT and not other.decision and other.outcome in {Outcome.FULFILLED, Outcome.PARTLY}
        for other in tx.requests(case.id or 0)
    )


def _identity_asked_on(tx: Transaction, case: CaseFile) -> date | None:
    """The day on which the sender was last asked to confirm who they are; None if never."""
    asked = [event.at for event in tx.events(case.id or 0) if event.name == "identity_asked"]
    return deadlines.received_on(asked[-1]) if asked else None


def activities_of(app: App, records: Sequence[Record]) -> tuple[Activity, ...]:
    """Only the activities that concern this person, as Art. 15(1) wants it: those of the records, and this handling."""
    named = {activity for record in records for activity in record.activities} | {HANDLING_REQUESTS}
    return tuple(activity for key, activity in app.register.items() if key in named)


def _coverage(app: App, row: SystemRow, records: Sequence[Record]) -> Coverage:
    outcome = SystemOutcome(row.outcome)
    if outcome in {SystemOutcome.FOUND, SystemOutcome.NOTHING}:  # what the person is told counts accepted records only
        found = any(record.system == row.system for record in records)
        outcome = SystemOutcome.FOUND if found else SystemOutcome.NOTHING
    return Coverage(
        label=app.system_label(row.system), outcome=outcome, searched_on=deadlines.received_on(row.searched_at)
    )
