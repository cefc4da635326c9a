"""
A request in review -> the draft that answers it.

A draft is kept as it was shown. It is made anew when anything it says has changed, or on another day, because letters
bear their date; approving a letter that nobody has seen is not possible (P3).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic_core import to_json

from dsar import letters
from dsar.casework import attaching, delivering, duties, protecting
from dsar.casework.changing import store_plan
from dsar.casework.context import (
    PROGRAM,
    App,
    CaseSubject,
    Grounds,
    LetterContent,
    case_key,
    content_of,
    seal_content,
    seal_grounds,
    seal_note,
    seal_reason,
    stored_letter,
    subject_of,
)
from dsar.casework.facts import AFTER_CHANGES, accepted_records, answer_facts
from dsar.casework.grounds import article_of
from dsar.casework.planning import CHANGING, is_general_objection, plan
from dsar.casework.sending import void_letter
from dsar.errors import IllegalTransitionError, StaleStateError, UsageError
from dsar.lifecycle import Event, State
from dsar.model import Annex, Letter, LetterFacts, LetterKind, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterAnnex, LetterRow, Request

#: What a person decided to answer -> the letter that says so.
_DECIDED = {
    "refuse": LetterKind.REFUSAL,
    "unidentified": LetterKind.UNIDENTIFIED,
    "deceased": LetterKind.DECEASED,
}

#: Right -> the letter that tells what was done when nothing more is done.
_TELLING = {
    Right.UPDATE: LetterKind.UPDATE_DONE,
    Right.ERASE: LetterKind.ERASURE_PARTLY,
    Right.OBJECT: LetterKind.OBJECTION_DONE,
    Right.RESTRICT: LetterKind.RESTRICTION_DONE,
}

#: Events by which a person decides what is answered, whatever was found.
_DECIDING = frozenset({Event.REFUSED, Event.UNIDENTIFIED, Event.DONE_BY_HAND})

#: Events by which a person decides whom an answer is about and what it covers.
SHAPING = frozenset(
    {
        Event.SORTED,
        "verified",
        "mandate_seen",
        "requester_set",
        "candidate_decided",
        "plan_corrected",
        "redacted",
        "note_added",
    }
)

_PDF, _JSON, _CSV = "application/pdf", "application/json", "text/csv"

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
    sha256: str  #: Keyed digest of all of it: other inputs, another letter.


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
        documents = documents_of(app, tx, case, inputs)
    letter = compose(app, inputs.kind, case.language, inputs.facts, documents=documents, now=now)
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
    if kind is LetterKind.UPDATE_REFUSED and not case.search_proven:
        kind = LetterKind.REFUSAL  # "we have checked the data" would confirm to anybody that there are some
    return with_data(app, tx, case, kind, facts, now=now)


def with_data(
    app: App,
    tx: Transaction,
    case: CaseFile,
    kind: LetterKind,
    facts: LetterFacts,
    *,
    purpose: str = "answer",
    now: datetime,
) -> Inputs:
    """Inputs of a letter that may bring data: how its files are opened, and how big a mail may be, is part of it."""
    if kind is LetterKind.ACCESS_ANSWER:
        left_out = (*facts.withheld, *attaching.withheld(app, tx, case))
        facts = replace(facts, documents=attaching.told(app, tx, case), withheld=left_out)
    facts = delivering.told(app, tx, case, kind, facts, now=now)
    return seen_inputs(app, case, kind, facts, purpose=purpose, size_limit=delivering.size_limit(app, tx))


def seen_inputs(
    app: App, case: CaseFile, kind: LetterKind, facts: LetterFacts, *, purpose: str = "answer", size_limit: int = 0
) -> Inputs:
    """*facts* with their digest; letters of another *purpose* are other letters, whatever they say."""
    recipient = recipient_of(app, case)
    everything = [purpose, kind, case.language, facts, recipient, str(app.settings.templates_folder), size_limit]
    digest = app.vault.index("inputs", to_json(everything).decode())  # keyed: it outlives the letter's content (P9)
    return Inputs(kind=kind, facts=facts, recipient=recipient, sha256=digest)


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
    if request.decision in AFTER_CHANGES:
        return _kind_after_changes(request, facts)
    if request.decision:
        return _DECIDED[request.decision]
    if request.right == Right.OBJECT:
        return LetterKind.OBJECTION_DONE
    if not facts.records and not facts.outcomes:
        return LetterKind.NOTHING_FOUND
    if request.right == Right.ACCESS:
        return LetterKind.ACCESS_ANSWER
    if request.right == Right.ERASE:
        left = any(each.step.action is StepAction.KEEP or not each.done for each in facts.outcomes or ())
        return LetterKind.ERASURE_PARTLY if left else LetterKind.ERASURE_DONE
    if request.right == Right.UPDATE and facts.outcomes:
        return LetterKind.UPDATE_DONE
    reference = f"{facts.case_reference}/{request.right}"
    raise UsageError(
        f"The program finds nothing to change for {reference}: do it by hand and say so ('dsar done {reference} "
        "--what ...'), or refuse it with reasons ('dsar refuse')."
    )


def _kind_after_changes(request: Request, facts: LetterFacts) -> LetterKind:
    """Which letter tells what was done, after which nothing more is done. Raises: UsageError if nothing was."""
    if not facts.outcomes and not facts.reasons:
        raise UsageError(
            f"Nothing was changed for {facts.case_reference}/{request.right}, so there is nothing to tell; "
            "'dsar withdraw' ends it."
        )
    return _TELLING[Right(request.right)]


def lacks(inputs: Inputs) -> str:
    """Which mandatory fields a letter made from *inputs* would lack, by their names; "" if none."""
    names = [inputs.kind, *([letters.ACCESS_EXPORT] if inputs.kind is LetterKind.ACCESS_ANSWER else [])]
    return "; ".join(dict.fromkeys(lack for name in names for lack in letters.problems(name, inputs.facts)))


def documents_of(app: App, tx: Transaction, case: CaseFile, inputs: Inputs) -> tuple[Annex, ...]:
    """The documents that go with a letter made from *inputs*."""
    return attaching.annexes(app, tx, case) if inputs.kind is LetterKind.ACCESS_ANSWER else ()


def compose(
    app: App,
    kind: LetterKind,
    language: str,
    facts: LetterFacts,
    *,
    documents: tuple[Annex, ...] = (),
    now: datetime,
) -> Letter:
    """The letter with all its annexes: an access answer brings the export as PDF, JSON and CSV (Art. 15(3), 20)."""
    templates = app.settings.templates_folder
    export = _export(app, language, facts, now=now) if kind is LetterKind.ACCESS_ANSWER else ()
    annexes = (*export, *documents)
    return letters.compose(kind, language, facts, annexes=annexes, templates=templates)


def _export(app: App, language: str, facts: LetterFacts, *, now: datetime) -> tuple[Annex, ...]:
    from dsar import pdf  # slow to load, and most processes make none

    reference = facts.case_reference
    markdown = letters.compose_export(language, facts, templates=app.settings.templates_folder)
    machine_readable = letters.export_json(facts, language)
    document = pdf.render(
        markdown,
        title=reference,
        language=language,
        footer=f"{app.controller.name} · {reference}",
        created_at=now,
        attachments={f"{reference}.json": (_JSON, machine_readable)},
    )
    return (
        Annex(filename=f"{reference}.pdf", content_type=_PDF, content=document),
        Annex(filename=f"{reference}.json", content_type=_JSON, content=machine_readable),
        Annex(filename=f"{reference}.csv", content_type=_CSV, content=letters.export_csv(facts, language)),
        *_portable(language, facts),
    )


def _portable(language: str, facts: LetterFacts) -> tuple[Annex, ...]:
    """What the person may take along, if they asked for that (Art. 20)."""
    part = letters.portable_part(facts) if facts.portability else None
    if part is None:
        return ()
    name = f"{facts.case_reference}-portable"
    return (
        Annex(filename=f"{name}.json", content_type=_JSON, content=letters.export_json(part, language)),
        Annex(filename=f"{name}.csv", content_type=_CSV, content=letters.export_csv(part, language)),
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
        tx.advance(
            request,
            Event.REFUSED,
            actor=actor,
            at=now,
            decision="refuse",
            sealed_grounds=sealed,
            refusal_ground=article_of(legal_ground),
        )


def done_by_hand(app: App, case: CaseFile, request: Request, *, what: str, actor: str, now: datetime) -> None:
    """
    A member of staff states what they did by hand where the program could do nothing; the letter says it.

    Args: what: in the language of the letter. Raises: UsageError for access and erasure, which are told from what the
    systems hold; IllegalTransitionError.
    """
    if request.right in {Right.ACCESS, Right.ERASE}:
        raise UsageError(
            f"{case.reference}/{request.right} is answered from what the systems hold: approve its letter; "
            "'dsar duties --done' then ends what was left to you."
        )
    with app.store.transaction() as tx:
        sealed = seal_grounds(app, case, request.id or 0, Grounds(reasons=what, legal_ground=""))
        tx.advance(request, Event.DONE_BY_HAND, actor=actor, at=now, decision="done", sealed_grounds=sealed)
        if request.right == Right.RESTRICT:
            duties.watch_restriction(app, tx, case, now=now)


def add_note(app: App, case: CaseFile, request: Request, note: str, *, actor: str, now: datetime) -> None:
    """
    What the letters of a request say besides, in staff's own words and shown as such; "" takes it back.

    Whoever wrote it has shaped the letter; a draft that was shown before is made anew (P3).
    """
    with app.store.transaction() as tx:
        current = tx.request(request.id or 0)
        current.sealed_note = seal_note(app, case, request.id or 0, note.strip()) if note.strip() else None
        tx.record("note_added", actor=actor, at=now, case_id=case.id, request_id=request.id)


def answer_estate(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """
    Decide that the person has died, so that the GDPR gives nobody a right to their data (recital 27).

    The letter says so kindly and names who helps the estate; it does not say whether we hold anything.
    """
    with app.store.transaction() as tx:
        tx.advance(request, Event.REFUSED, actor=actor, at=now, decision="deceased")


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
        detail = seal_reason(app, case, "rejected", reason, at=now)
        tx.record("rejected", actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)


def recipient_of(app: App, case: CaseFile) -> str:
    """The proven contact point; a letter that discloses nothing may go back to where the mail came from."""
    subject = subject_of(app, case)
    if protecting.channel_of(case) == protecting.POST:
        return _postal_recipient(case, subject)
    if case.mandate and case.answer_to == "agent" and subject.reply_address:
        return subject.reply_address  # the mandate covers receiving the answer
    proven = [each.value for each in subject.proven if each.type == "email"]
    recipient = proven[0] if proven else subject.reply_address
    if recipient is None:
        raise UsageError(f"{case.reference} has no address to answer to; 'dsar verify --contact' names the proven one.")
    return recipient


def _postal_recipient(case: CaseFile, subject: CaseSubject) -> str:
    """Lines of the postal address, so that an approval binds it; of a protected person none is written anywhere."""
    if protecting.PROTECTED in case.flags:
        return protecting.POST
    if not subject.postal:
        raise UsageError(
            f"{case.reference} is answered by post, and has no postal address: 'dsar channel {case.reference} post' "
            "takes the one on file, with --address it takes another."
        )
    return "\n".join((protecting.POST, *subject.postal))


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
            sealed_content=b"",
        ),
        request_ids,
    )
    row.sealed_content = seal_content(app, case, row.id or 0, content)
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
