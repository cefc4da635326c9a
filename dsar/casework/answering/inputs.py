"""
A request -> which letter answers it, to whom, and from what: other inputs, another letter.

Effects: reads the database.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic_core import to_json

from dsar import letters
from dsar.casework import attaching, delivering, protecting
from dsar.casework.context import App, CaseSubject, subject_of
from dsar.casework.facts import AFTER_CHANGES, answer_facts
from dsar.casework.planning import is_general_objection
from dsar.errors import UsageError
from dsar.locale import said
from dsar.model import LetterFacts, LetterKind, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: What a person decided to answer -> the letter that says so.
_DECIDED = {
    "refuse": LetterKind.REFUSAL,
    "unidentified": LetterKind.UNIDENTIFIED,
    "deceased": LetterKind.DECEASED,
    "not_request": LetterKind.NOT_REQUEST,
}

#: Right -> the letter that tells what was done when nothing more is done.
_TELLING = {
    Right.UPDATE: LetterKind.UPDATE_DONE,
    Right.ERASE: LetterKind.ERASURE_PARTLY,
    Right.OBJECT: LetterKind.OBJECTION_DONE,
    Right.RESTRICT: LetterKind.RESTRICTION_DONE,
}


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything that a letter is made from, at one moment."""

    kind: LetterKind
    facts: LetterFacts
    recipient: str
    sha256: str  #: Keyed digest of all of it: other inputs, another letter.


def inputs_of(app: App, tx: Transaction, case: CaseFile, request: Request, *, now: datetime) -> Inputs:
    """What the letter that answers *request* would be made from now."""
    if request.right == Right.OBJECT and not request.decision and is_general_objection(app, tx, case):
        raise UsageError(
            said(
                "{case}/object is about more than marketing: weigh it (Art. 21(1) GDPR), stop what it is about or "
                "refuse it with reasons ('dsar refuse').",
                case=case.reference,
            )
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
    app: App,
    case: CaseFile,
    kind: LetterKind,
    facts: LetterFacts,
    *,
    purpose: str = "answer",
    recipient: str | None = None,
    size_limit: int = 0,
) -> Inputs:
    """
    *facts* with their digest; letters of another *purpose* are other letters, whatever they say.

    Args: recipient: of a letter to another than who asks; None: whoever the case is answered to.
    """
    recipient = recipient or recipient_of(app, case)
    everything = [purpose, kind, case.language, facts, recipient, str(app.settings.templates_folder), size_limit]
    digest = app.vault.index("inputs", to_json(everything).decode())  # keyed: it outlives the letter's content (P9)
    return Inputs(kind=kind, facts=facts, recipient=recipient, sha256=digest)


def letter_kind(request: Request, facts: LetterFacts) -> LetterKind:
    """Which letter answers a request; UsageError for a right whose answer a person must give outside."""
    if request.decision == "refuse" and request.right == Right.UPDATE:
        return LetterKind.UPDATE_REFUSED
    if request.decision in AFTER_CHANGES:
        return _kind_after_changes(request, facts)
    if request.decision:
        return _DECIDED[request.decision]
    if request.right == Right.OBJECT:
        return LetterKind.CONSENT_WITHDRAWN if facts.consent else LetterKind.OBJECTION_DONE
    if not facts.records and not facts.outcomes:
        return LetterKind.NOTHING_FOUND
    if request.right == Right.ACCESS:
        return LetterKind.ACCESS_ANSWER
    if request.right == Right.ERASE:
        left = any(each.step.action is StepAction.KEEP or not each.done for each in facts.outcomes or ())
        return LetterKind.ERASURE_PARTLY if left else LetterKind.ERASURE_DONE
    if request.right == Right.UPDATE and facts.outcomes:
        return LetterKind.UPDATE_DONE
    if request.right == Right.RESTRICT and any(
        each.step.action is StepAction.RESTRICT for each in facts.outcomes or ()
    ):
        return LetterKind.RESTRICTION_DONE
    reference = f"{facts.case_reference}/{request.right}"
    raise UsageError(
        said(
            "The program finds nothing to change for {reference}: do it by hand and say so ('dsar done {reference} "
            "--what ...'), ask what is to change ('dsar ask {reference} --question ...'), or refuse it with reasons "
            "('dsar refuse').",
            reference=reference,
        )
    )


def _kind_after_changes(request: Request, facts: LetterFacts) -> LetterKind:
    """Which letter tells what was done, after which nothing more is done. Raises: UsageError if nothing was."""
    if not facts.outcomes and not facts.reasons:
        raise UsageError(
            said(
                "Nothing was changed for {case_reference}/{right}, so there is nothing to tell; 'dsar withdraw' ends "
                "it.",
                case_reference=facts.case_reference,
                right=request.right,
            )
        )
    return _TELLING[Right(request.right)]


def lacks(inputs: Inputs) -> str:
    """Which mandatory fields a letter made from *inputs* would lack, by their names; "" if none."""
    names = [inputs.kind, *([letters.ACCESS_EXPORT] if inputs.kind is LetterKind.ACCESS_ANSWER else [])]
    return "; ".join(dict.fromkeys(lack for name in names for lack in letters.problems(name, inputs.facts)))


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
        raise UsageError(
            said(
                "{case} has no address to answer to; 'dsar verify --contact' names the proven one.", case=case.reference
            )
        )
    return recipient


def _postal_recipient(case: CaseFile, subject: CaseSubject) -> str:
    """Lines of the postal address, so that an approval binds it; of a protected person none is written anywhere."""
    if protecting.PROTECTED in case.flags:
        return protecting.POST
    if not subject.postal:
        raise UsageError(
            said(
                "{case} is answered by post, and has no postal address: 'dsar channel {case} post' takes the one on "
                "file, with --address it takes another.",
                case=case.reference,
            )
        )
    return "\n".join((protecting.POST, *subject.postal))
