"""
What was corrected, erased or restricted -> a letter to every recipient of the data (Art. 19).

"The controller shall communicate any rectification or erasure [...] or restriction of processing [...] to each
recipient to whom the personal data have been disclosed." The register names recipients without an address, so staff
send them.
"""

from dataclasses import replace
from datetime import date, datetime

from dsar import deadlines, letters
from dsar.casework import printing
from dsar.casework.context import App, grounds_of, subject_of
from dsar.casework.facts import accepted_records, activities_of, base_facts
from dsar.casework.planning import told_outcomes
from dsar.errors import UsageError
from dsar.model import Annex, LetterFacts, LetterKind, Recipient, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Rights whose exercise the recipients are told of.
_TOLD = frozenset({Right.UPDATE, Right.ERASE, Right.RESTRICT})


def notices(
    app: App, case: CaseFile, request: Request, *, reply_by_on: date, actor: str, now: datetime
) -> tuple[tuple[Recipient, Annex], ...]:
    """
    A letter as PDF for each recipient whom the register names for what is held about the person.

    Raises: UsageError if nothing was done of which a recipient must hear, or if the register names none.
    """
    language = "sv" if app.controller.country in _SWEDISH else "en"
    with app.store.transaction() as tx:
        facts = _facts(app, tx, case, request, reply_by_on=reply_by_on, now=now)
        activities = activities_of(app, accepted_records(app, tx, case, Right(request.right)))
        told = dict.fromkeys(recipient for activity in activities for recipient in activity.recipients)
        if not told:
            raise UsageError(f"The register names no recipient of what is held in {case.reference}.")
        detail = {"recipients": str(len(told))}
        tx.record("recipients_informed", actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)
    made = []
    for number, recipient in enumerate(told, 1):
        markdown = letters.markdown_of(
            LetterKind.RECIPIENT_NOTICE,
            language,
            replace(facts, told_to=recipient.name),
            templates=app.settings.templates_folder,
        )
        document = printing.document(app, case.reference, markdown, language, now=now)
        name = f"{case.reference}-{request.right}-recipient-{number}.pdf"
        made.append((recipient, Annex(filename=name, content_type="application/pdf", content=document)))
    return tuple(made)


#: How [controller] country may name Sweden; recipients get the letter in Swedish there.
_SWEDISH = frozenset({"SE", "Sverige", "Sweden"})


def _facts(
    app: App, tx: Transaction, case: CaseFile, request: Request, *, reply_by_on: date, now: datetime
) -> LetterFacts:
    right = Right(request.right)
    outcomes = told_outcomes(app, tx, case, request)
    if right not in _TOLD or not (outcomes or request.decision == "done"):
        raise UsageError(
            f"Nothing was corrected, erased or restricted for {case.reference}/{request.right} of which a recipient "
            "must hear (Art. 19 GDPR)."
        )
    facts = base_facts(app, case, received_at=request.received_at, rights=(right,), now=now)
    subject = subject_of(app, case)
    grounds = grounds_of(app, case, request.id or 0, request.sealed_grounds) if request.sealed_grounds else None
    return replace(
        facts,
        person_name=subject.name if subject.proven else None,
        outcomes=outcomes or None,
        reasons=grounds.reasons if grounds and not outcomes else None,
        done_on=deadlines.received_on(request.closed_at or now),
        reply_by_on=reply_by_on,
        by_post=True,  # what is corrected is said in full
    )
