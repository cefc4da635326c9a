"""
What is about to be erased -> why it must wait: its person has asked to see their data, or somebody looks at them.

EDPB 01/2022 s. 2.3.4: nothing is erased to avoid an answer; what is held on the day of the request is told.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from dsar.casework import duties
from dsar.casework.context import PROGRAM, App, record_index, records_of, subject_of
from dsar.casework.facts import accepted_records
from dsar.lifecycle import Event
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType, Record, Right, Strength
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty, Request

#: Reason of an erasure that waits for the answer in another case.
ACCESS_ELSEWHERE = "access_elsewhere"


def why(app: App, tx: Transaction, duty: Duty, record: Record) -> str:
    """Why *record* is not erased today, in words without personal data; "" if nothing stands in the way."""
    own_case = duties.case_of(tx, duty)
    if own_case and own_case.legal_hold:
        return "its case is under a hold"
    asking = _asking(app, tx, record, tx.indexed_alike(own_case.id or 0) if own_case else set())
    return next((f"{case.reference} asks for access" for case in asking), "")


def asked_elsewhere(
    app: App, tx: Transaction, case: CaseFile, request: Request, *, answered_since: date | None = None
) -> tuple[str, ...]:
    """
    References of other cases in which the person of an erasure has asked to see their data and has no answer yet.

    Inside one case the access answer comes first by itself. Args: answered_since: also those answered then or later.
    Returns: nothing for another right, and without the cases that a person has said not to wait for.
    """
    if request.right != Right.ERASE or request.decision:
        return ()
    asking = _for_access(tx, answered_since)
    others = {id_: other for id_, other in asking.items() if id_ != case.id}
    others = {id_: other for id_, other in others.items() if other.reference not in request.not_awaited}
    if not others:
        return ()
    subject, records = subject_of(app, case), accepted_records(app, tx, case, Right.ERASE)
    own = {*subject.proven, *subject.accepted, *(each for record in records for each in record.own)}
    named = _indexed(app, tx, own)
    wanted = {record_index(app, record) for record in records}
    return tuple(other.reference for id_, other in others.items() if id_ in named or wanted & _certain(app, tx, other))


def wait(tx: Transaction, request: Request, others: Sequence[str], *, now: datetime) -> None:
    """
    An approved erasure, begun or not, does nothing more until *others* are answered or a person says otherwise.

    What is done stays done. Its own time limit runs on (Art. 12(3)), and the queue shows it among what is blocked.
    """
    detail = {"because": ACCESS_ELSEWHERE, "cases": ", ".join(others)}
    tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, detail=detail, blocked_reason=ACCESS_ELSEWHERE)
    tx.enqueue("release_erasure", request.id or 0, due_at=now)


def _certain(app: App, tx: Transaction, case: CaseFile) -> set[str]:
    """Indexes of the records that a case has found of its own person, without a doubt."""
    rows = tx.search_results(case)
    found = [each for row in rows for each in records_of(app, case, row) if each.strength is Strength.CERTAIN]
    return {record_index(app, each) for each in found}


def _for_access(tx: Transaction, answered_since: date | None = None) -> dict[int | None, CaseFile]:
    found = {case.id: case for request, case in tx.open_requests() if request.right == Right.ACCESS}
    if answered_since:
        found |= {case.id: case for _, case in tx.closed_since(Right.ACCESS, since=answered_since)}
    return found


def _indexed(app: App, tx: Transaction, identifiers: Collection[Identifier]) -> set[int]:
    """Ids of the cases that name one of *identifiers*, or whose sender has it."""
    digests = [app.vault.index_identifier(each) for each in identifiers]
    digests += [app.vault.index("sender", each.value) for each in identifiers if each.type is IdentifierType.EMAIL]
    return {case.id or 0 for digest in digests for case in tx.cases_indexed(digest)}


def _asking(app: App, tx: Transaction, record: Record, alike: set[int]) -> list[CaseFile]:
    """
    Cases with an open request for access that have found *record*, or whose person it names.

    Args: alike: ids of cases with the same sender, or the same identifiers, as the one that the duty comes from.
    """
    open_ones = _for_access(tx)
    if not open_ones:
        return []
    met = {*record.own, *(found for value in record.values for found in find_identifiers(value.value))}
    named = alike | _indexed(app, tx, met)
    return [case for id_, case in open_ones.items() if id_ in named or _has_found(app, tx, case, record)]


def _has_found(app: App, tx: Transaction, case: CaseFile, record: Record) -> bool:
    index = record_index(app, record)
    rows = [row for row in tx.search_results(case) if row.system == record.system]
    return any(record_index(app, each) == index for row in rows for each in records_of(app, case, row))
