"""
A request in review -> the draft that answers it.

A draft is kept as it was shown. It is made anew when anything it says has changed, or on another day, because letters
bear their date; approving a letter that nobody has seen is not possible (P3).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json

from dsar import letters, pdf
from dsar.casework.changing import store_plan
from dsar.casework.context import (
    PROGRAM,
    App,
    Grounds,
    LetterContent,
    case_key,
    content_of,
    seal_content,
    seal_grounds,
    stored_letter,
    subject_of,
)
from dsar.casework.facts import accepted_records, answer_facts
from dsar.casework.planning import CHANGING, is_general_objection, plan
from dsar.casework.sending import void_letter
from dsar.errors import IllegalTransitionError, StaleStateError, UsageError
from dsar.lifecycle import Event, State
from dsar.model import Annex, IdentityLevel, Letter, LetterFacts, LetterKind, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterAnnex, LetterRow, Request

#: What a person decided to answer -> the letter that says so.
_DECIDED = {"refuse": LetterKind.REFUSAL, "unidentified": LetterKind.UNIDENTIFIED}

#: Events by which a person decides to answer no.
_DECIDING = frozenset({Event.REFUSED, Event.UNIDENTIFIED})

#: Events by which a person decides whom an answer is about and what it covers.
SHAPING = frozenset({Event.SORTED, "verified", "candidate_decided", "plan_corrected", "redacted"})

#: Steps after which something is still there.
_LEFT = frozenset({StepAction.KEEP, StepAction.TASK})

_PDF = "application/pdf"

#: Event: a member of staff looked at a letter.
_SHOWN = "looked_at_letter"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A stored draft as it is shown."""

    row: LetterRow
    letter: Letter
    recipient: str


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything that a letter is made from, at one moment."""

    kind: LetterKind
    facts: LetterFacts
    recipient: str
    sha256: str  #: Of all of it: other inputs, another letter.


def draft(app: App, case: CaseFile, request: Request, *, now: datetime) -> Draft:
    """
    The letter that would answer *request* now.

    Raises: IllegalTransitionError if the request is not in review; LetterError naming what a letter still lacks;
    StaleStateError if something changed while it was being made.
    """
    if request.state != State.REVIEW:
        raise IllegalTransitionError(f"{case.reference}/{request.right}", request.state, "draft")
    with app.store.transaction() as tx:
        inputs = inputs_of(app, tx, case, request, now=now)
        shown = same_draft(app, tx, case, tx.letters_of(request.id or 0), inputs)
        if shown is not None:
            return shown
    letter = compose(app, inputs.kind, case.language, inputs.facts, now=now)
    with app.store.transaction() as tx:
        check_unchanged(app, tx, case, request, inputs, now=now)
        for known in tx.letters_of(request.id or 0):
            if known.status == "draft":
                void_letter(tx, known, reason="made_anew", now=now)
        row = store_letter(app, tx, case, [request.id or 0], letter, inputs)
        if Right(request.right) in CHANGING and not request.decision:
            records = accepted_records(app, tx, case, Right(request.right))
            store_plan(app, tx, case, request, row.id or 0, plan(app, tx, case, Right(request.right), records))
        tx.record(
            "letter_composed",
            actor=PROGRAM,
            at=now,
            case_id=case.id,
            request_id=request.id,
            detail={"kind": inputs.kind, "letter": str(row.id)},
        )
    return Draft(row=row, letter=letter, recipient=inputs.recipient)


def show(app: App, case: CaseFile, request: Request, *, actor: str, now: datetime) -> Draft:
    """The letter that would answer *request* now, and the record that *actor* has looked at exactly this one."""
    current = draft(app, case, request, now=now)
    with app.store.transaction() as tx:
        mark_shown(tx, case, request, current, actor=actor, now=now)
    return current


def mark_shown(tx: Transaction, case: CaseFile, request: Request, current: Draft, *, actor: str, now: datetime) -> None:
    """Record that *actor* has looked at this very letter."""
    detail = {"letter": str(current.row.id)}
    tx.record(_SHOWN, actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)


def was_shown(tx: Transaction, current: Draft, *, actor: str) -> bool:
    """Whether *actor* has looked at this very letter: nobody approves what they have not seen (P3)."""
    return any(
        event.name == _SHOWN and event.actor == actor and event.detail.get("letter") == str(current.row.id)
        for event in tx.events(current.row.case_id)
    )


def inputs_of(app: App, tx: Transaction, case: CaseFile, request: Request, *, now: datetime) -> Inputs:
    """What the letter that answers *request* would be made from now."""
    if request.right == Right.OBJECT and not request.decision and is_general_objection(app, tx, case):
        raise UsageError(
            f"{case.reference}/object is about more than marketing: weigh it (Art. 21(1) GDPR), stop what it is about "
            "or refuse it with reasons ('dsar refuse')."
        )
    facts = answer_facts(app, tx, case, request, now=now)
    kind = letter_kind(request, facts)
    if kind is LetterKind.UPDATE_REFUSED and (case.search_run == 0 or case.identity_level == IdentityLevel.L0):
        kind = LetterKind.REFUSAL  # "we have checked the data" would confirm to anybody that there are some
    return seen_inputs(app, case, kind, facts)


def seen_inputs(app: App, case: CaseFile, kind: LetterKind, facts: LetterFacts, *, purpose: str = "answer") -> Inputs:
    """*facts* with their digest; letters of another *purpose* are other letters, whatever they say."""
    recipient = recipient_of(app, case)
    everything = [purpose, kind, case.language, facts, recipient, str(app.settings.templates_folder)]
    return Inputs(kind=kind, facts=facts, recipient=recipient, sha256=hashlib.sha256(to_json(everything)).hexdigest())


def check_unchanged(
    app: App, tx: Transaction, case: CaseFile, request: Request, seen: Inputs, *, now: datetime
) -> None:
    """Raises: StaleStateError if the request moved on, or its letter would now be made from something else."""
    current = tx.request(request.id or 0)
    same = (current.state, current.version) == (request.state, request.version)
    if not same or inputs_of(app, tx, tx.case_by_id(case.id or 0), current, now=now).sha256 != seen.sha256:
        raise StaleStateError(f"{case.reference}/{request.right}")


def same_draft(app: App, tx: Transaction, case: CaseFile, known: Sequence[LetterRow], inputs: Inputs) -> Draft | None:
    """The draft among *known* that was made today from the same inputs; None if there is none."""
    for row in known:
        if row.status == "draft" and row.composed_on == inputs.facts.today and row.inputs_sha256 == inputs.sha256:
            recipient = content_of(app, case, row).recipient
            return Draft(row=row, letter=stored_letter(app, tx, case, row), recipient=recipient)
    return None


def letter_kind(request: Request, facts: LetterFacts) -> LetterKind:
    """Which letter answers a request; UsageError for a right whose answer a person must give outside."""
    if request.decision == "refuse" and request.right == Right.UPDATE:
        return LetterKind.UPDATE_REFUSED
    if request.decision:
        return _DECIDED[request.decision]
    if request.right == Right.OBJECT:
        return LetterKind.OBJECTION_DONE
    if not facts.records and not facts.outcomes:
        return LetterKind.NOTHING_FOUND
    if request.right == Right.ACCESS:
        return LetterKind.ACCESS_ANSWER
    actions = {outcome.step.action for outcome in facts.outcomes or ()}
    if request.right == Right.ERASE:
        return LetterKind.ERASURE_PARTLY if actions & _LEFT else LetterKind.ERASURE_DONE
    if request.right == Right.UPDATE and actions:
        return LetterKind.UPDATE_DONE
    raise UsageError(
        f"The program finds nothing to change for {facts.case_reference}/{request.right}; "
        "look at 'dsar show --plan', then 'dsar refuse' with reasons, or change it by hand."
    )


def compose(app: App, kind: LetterKind, language: str, facts: LetterFacts, *, now: datetime) -> Letter:
    """The letter with all its annexes: an access answer brings the export as PDF, JSON and CSV (Art. 15(3), 20)."""
    templates = app.settings.templates_folder
    annexes = _export(app, language, facts, now=now) if kind is LetterKind.ACCESS_ANSWER else ()
    return letters.compose(kind, language, facts, annexes=annexes, templates=templates)


def _export(app: App, language: str, facts: LetterFacts, *, now: datetime) -> tuple[Annex, ...]:
    reference = facts.case_reference
    markdown = letters.compose_export(language, facts, templates=app.settings.templates_folder)
    document = pdf.render(
        markdown, title=reference, language=language, footer=f"{app.controller.name} · {reference}", created_at=now
    )
    return (
        Annex(filename=f"{reference}.pdf", content_type=_PDF, content=document),
        Annex(
            filename=f"{reference}.json",
            content_type="application/json",
            content=letters.export_json(facts, language),
        ),
        Annex(filename=f"{reference}.csv", content_type="text/csv", content=letters.export_csv(facts, language)),
    )


def refuse(
    app: App, case: CaseFile, request: Request, *, reasons: str, legal_ground: str, actor: str, now: datetime
) -> None:
    """
    Decide to refuse, with reasons of the case and the law (Art. 12(4): "inform the data subject [...] of the reasons").

    Raises: IllegalTransitionError.
    """
    with app.store.transaction() as tx:
        sealed = seal_grounds(app, case, request.id or 0, Grounds(reasons=reasons, legal_ground=legal_ground))
        tx.advance(request, Event.REFUSED, actor=actor, at=now, decision="refuse", sealed_grounds=sealed)


def give_up_identity(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """Decide to end a request whose sender could not be identified (Art. 12(6), 11(2)) by a neutral letter."""
    with app.store.transaction() as tx:
        tx.advance(request, Event.UNIDENTIFIED, actor=actor, at=now, decision="unidentified")


def reject(app: App, case: CaseFile, request: Request, *, reason: str, actor: str, now: datetime) -> None:
    """Send a draft back: it becomes void, and the reason stands in the timeline under the case's key."""
    with app.store.transaction() as tx:
        for known in tx.letters_of(request.id or 0):
            if known.status == "draft":
                void_letter(tx, known, reason="rejected", now=now)
        sealed = app.vault.seal(case_key(case), "event.rejected", reason.encode())
        tx.record(
            "rejected",
            actor=actor,
            at=now,
            case_id=case.id,
            request_id=request.id,
            detail={"sealed_reason": sealed.hex()},
        )


def recipient_of(app: App, case: CaseFile) -> str:
    """The proven contact point; a letter that discloses nothing may go back to where the mail came from."""
    subject = subject_of(app, case)
    proven = [each.value for each in subject.proven if each.type == "email"]
    recipient = proven[0] if proven else subject.reply_address
    if recipient is None:
        raise UsageError(f"{case.reference} has no address to answer to; 'dsar verify --contact' names the proven one.")
    return recipient


def store_letter(
    app: App, tx: Transaction, case: CaseFile, request_ids: Sequence[int], letter: Letter, inputs: Inputs
) -> LetterRow:
    """Keep a draft as it is shown; *request_ids* are closed when it has left."""
    content = LetterContent(subject=letter.subject, text=letter.text, html=letter.html, recipient=inputs.recipient)
    row = tx.add_letter(
        LetterRow(
            case_id=case.id or 0,
            kind=letter.kind,
            language=letter.language,
            composed_on=inputs.facts.today,
            inputs_sha256=inputs.sha256,
            template_sha256=letter.template_sha256,
            sealed_content=seal_content(app, case, content),
        ),
        request_ids,
    )
    for position, annex in enumerate(letter.annexes):
        context = f"letter_annex:{row.id}:{position}"
        tx.add_annex(
            LetterAnnex(
                letter_id=row.id or 0,
                position=position,
                filename=annex.filename,
                content_type=annex.content_type,
                sha256=hashlib.sha256(annex.content).hexdigest(),
                sealed_content=app.vault.seal(case_key(case), context, annex.content),
            )
        )
    return row


def authors(tx: Transaction, request: Request) -> frozenset[str]:
    """
    Who decided what the answer to *request* says: who refused it, or else who shaped the case that it answers.

    Empty where the program did it all.
    """
    events = tx.events(request.case_id)
    if request.decision:
        events = [event for event in events if event.request_id == request.id and event.name in _DECIDING]
    else:
        events = [event for event in events if event.request_id in {None, request.id} and event.name in SHAPING]
    return frozenset(event.actor for event in events) - {PROGRAM}
