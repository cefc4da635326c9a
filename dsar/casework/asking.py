"""
What staff ask a requester -> a letter that was shown, the request waiting, and a question that the clock knows.

Who asks may only be doubted for a reason of this very case, written down (Art. 12(6)); what is wanted may only be asked
where we process a large quantity of information about the person (recital 63). Anything else is asked while time runs.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from dsar import approval, clock, deadlines
from dsar.casework import beside, clocking, reminding
from dsar.casework.answering import Draft, Inputs, seen_inputs
from dsar.casework.context import App, seal_reason, subject_of
from dsar.casework.facts import accepted_records, base_facts
from dsar.casework.planning import FOR_ANOTHER
from dsar.errors import ApprovalError, UsageError
from dsar.lifecycle import TRANSITIONS, Event, State
from dsar.locale import said
from dsar.model import LetterFacts, LetterKind, Requester, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Values found about a person from which on we process "a large quantity of information" (recital 63).
LARGE_QUANTITY = 1000

#: A reason of this very case takes more words than "identity unclear".
_SHORTEST_DOUBT = 20

_REPLY_DAYS = 14


class About(StrEnum):
    """What is asked."""

    IDENTITY = "identity"  #: Who they are.
    MANDATE = "mandate"  #: By what right they write for somebody else.
    SCOPE = "scope"  #: What of a large quantity they want.
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Query:
    """A question as staff put it; texts are in the language of the letter."""

    about: About
    text: str = ""  #: The individual doubt, or the question.
    overview: str = ""  #: Of a question about scope: what we process about the person.
    choices: str = ""  #: Of a question about scope: what they may choose between.


@dataclass(frozen=True, kw_only=True)
class _Kind:
    letter: LetterKind
    event: str
    states: frozenset[State]


_BEFORE = frozenset({State.IDENTITY, State.REVIEW})
_KINDS = {
    About.IDENTITY: _Kind(letter=LetterKind.IDENTITY_CHECK, event=clocking.IDENTITY_ASKED, states=_BEFORE),
    About.MANDATE: _Kind(letter=LetterKind.MANDATE_REQUEST, event=clocking.IDENTITY_ASKED, states=_BEFORE),
    About.SCOPE: _Kind(letter=LetterKind.CLARIFICATION, event=clocking.SCOPE_ASKED, states=frozenset({State.REVIEW})),
    About.OTHER: _Kind(letter=LetterKind.QUESTION, event=clocking.OTHER_ASKED, states=frozenset({State.REVIEW})),
}


def show(app: App, case: CaseFile, request: Request, query: Query, *, actor: str, now: datetime) -> Draft:
    """The letter as it would be sent now. Raises: UsageError, ApprovalError where this may not be asked."""
    with app.store.transaction() as tx:
        _check(app, tx, case, request, query)
    return beside.show(
        app, case, request, lambda _tx, case: _inputs(app, case, request, query, now=now), actor=actor, now=now
    )


def send(app: App, case: CaseFile, request: Request, query: Query, *, actor: str, now: datetime) -> None:
    """
    Send the letter that was shown; the request waits for its answer.

    Raises: as show(); NotPermittedError: what tells of our data needs an approver.
    """
    if query.about in {About.SCOPE, About.OTHER}:
        approval.check_approver(actor, "ask what the person wants", app.settings.roles(actor))
    with app.store.transaction() as tx:
        case, request = tx.case_by_id(case.id or 0), tx.request(request.id or 0)
        _check(app, tx, case, request, query)
        inputs = _inputs(app, case, request, query, now=now)
        _, outgoing = beside.send(app, tx, case, inputs, command="dsar ask", actor=actor, now=now)
        reply_by_on = _reply_by(request, now)
        kind = _KINDS[query.about]
        detail = {
            clocking.MAIL: str(outgoing.id),
            "reply_by": reply_by_on.isoformat(),
            "grounded": str(query.about is not About.OTHER),
            "about": query.about.value,
        }
        detail |= seal_reason(app, case, kind.event, query.text or query.overview or query.about, at=now)
        tx.record(kind.event, actor=actor, at=now, case_id=case.id, detail=detail)
        tx.advance(request, Event.ASKED, actor=actor, at=now, decision="", sealed_grounds=None)
        if kind.event == clocking.IDENTITY_ASKED:
            reminding.plan(tx, case, [request], reply_by_on=reply_by_on, now=now)
        else:
            tx.enqueue("expire", case.id or 0, due_at=reminding.end_of(reply_by_on))


def _check(app: App, tx: Transaction, case: CaseFile, request: Request, query: Query) -> None:
    reference, kind = f"{case.reference}/{request.right}", _KINDS[query.about]
    if request.state not in kind.states or Event.ASKED not in TRANSITIONS[State(request.state)]:
        raise UsageError(
            said("{reference} is in {state}, where this is not asked.", reference=reference, state=request.state)
        )
    if query.about is About.IDENTITY and len(" ".join(query.text.split())) < _SHORTEST_DOUBT:
        raise UsageError("--doubt must say why it is doubtful in this very case who asks (Art. 12(6) GDPR).")
    if query.about is About.IDENTITY and request.right == Right.OBJECT:
        raise ApprovalError(reference, "marketing stops whoever asks: no proof is needed (Art. 21(3) GDPR)")
    if query.about is About.MANDATE and case.requester not in FOR_ANOTHER:
        raise ApprovalError(reference, "its sender writes for themselves, who need no mandate")
    if query.about is About.SCOPE:
        _check_quantity(app, tx, case, request)
        if not (query.overview.strip() and query.choices.strip()):
            raise UsageError("A question about scope needs --overview and --choices.")
    if query.about is About.OTHER and not query.text.strip():
        raise UsageError("--question must say what you want to know.")


def _check_quantity(app: App, tx: Transaction, case: CaseFile, request: Request) -> None:
    """Recital 63; EDPB 01/2022 s. 2.3: what one customer has bought in some years is answered in full, not asked."""
    records = accepted_records(app, tx, case, Right(request.right))
    found = sum(len(record.values) for record in records)
    if request.right != Right.ACCESS or found < LARGE_QUANTITY:
        raise ApprovalError(
            f"{case.reference}/{request.right}",
            said(
                "{found} value(s) are no large quantity of information ({limit}): answer in full (recital 63)",
                found=found,
                limit=LARGE_QUANTITY,
            ),
        )


def _inputs(app: App, case: CaseFile, request: Request, query: Query, *, now: datetime) -> Inputs:
    kind, subject = _KINDS[query.about], subject_of(app, case)
    today = deadlines.received_on(now)
    received_on = deadlines.received_on(request.received_at)
    tells = kind.event != clocking.IDENTITY_ASKED
    facts: LetterFacts = replace(
        base_facts(
            app, case, received_at=request.received_at, rights=(Right(request.right),) if tells else (), now=now
        ),
        person_name=subject.name if tells and subject.proven else None,
        reasons=query.text or None,
        overview=query.overview or None,
        choices=query.choices or None,
        requester=Requester(case.requester),
        reply_by_on=_reply_by(request, now),
        clock_paused=query.about is not About.OTHER and clock.can_pause(Right(request.right), received_on, today),
    )
    return seen_inputs(app, case, kind.letter, facts, purpose=f"ask {query.about} {request.right}")


def _reply_by(request: Request, now: datetime) -> date:
    """Two weeks, or the day on which our own answer is to be sent."""
    today = deadlines.received_on(now)
    enough = today + timedelta(days=_REPLY_DAYS)
    return min(enough, request.send_by_on) if request.send_by_on > today else enough
