"""
What is about to be erased -> why it must wait: its person has asked to see their data, or somebody looks at them.

EDPB 01/2022 s. 2.3.4: nothing is erased to avoid an answer; what is held on the day of the request is told.
"""

from collections.abc import Collection, Sequence

from dsar.casework import duties
from dsar.casework.context import App, record_index, records_of, subject_of
from dsar.identifiers import find_identifiers
from dsar.model import Identifier, IdentifierType, Record, Right, Strength
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty


def why(app: App, tx: Transaction, duty: Duty, record: Record) -> str:
    """Why *record* is not erased today, in words without personal data; "" if nothing stands in the way."""
    own_case = duties.case_of(tx, duty)
    if own_case and own_case.legal_hold:
        return "its case is under a hold"
    asking = _asking(app, tx, record, tx.indexed_alike(own_case.id or 0) if own_case else set())
    return next((f"{case.reference} asks for access" for case in asking), "")


def asked_elsewhere(app: App, tx: Transaction, case: CaseFile, records: Sequence[Record]) -> str | None:
    """
    The reference of another case in which the person of *case* has asked to see their data and has no answer yet.

    Inside one case the access answer comes first by itself. Args: records: of the erasure.
    """
    open_ones = {id_: other for id_, other in _open_for_access(tx).items() if id_ != case.id}
    if not open_ones:
        return None
    subject = subject_of(app, case)
    own = {*subject.proven, *subject.accepted, *(each for record in records for each in record.own)}
    named = _indexed(app, tx, own)
    wanted = {record_index(app, record) for record in records}
    asking = (other for id_, other in open_ones.items() if id_ in named or wanted & _certain(app, tx, other))
    return next((other.reference for other in asking), None)


def _certain(app: App, tx: Transaction, case: CaseFile) -> set[str]:
    """Indexes of the records that a case has found of its own person, without a doubt."""
    rows = tx.search_results(case)
    found = [each for row in rows for each in records_of(app, case, row) if each.strength is Strength.CERTAIN]
    return {record_index(app, each) for each in found}


def _open_for_access(tx: Transaction) -> dict[int | None, CaseFile]:
    return {case.id: case for request, case in tx.open_requests() if request.right == Right.ACCESS}


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
    open_ones = _open_for_access(tx)
    if not open_ones:
        return []
    met = {*record.own, *(found for value in record.values for found in find_identifiers(value.value))}
    named = alike | _indexed(app, tx, met)
    return [case for id_, case in open_ones.items() if id_ in named or _has_found(app, tx, case, record)]


def _has_found(app: App, tx: Transaction, case: CaseFile, record: Record) -> bool:
    index = record_index(app, record)
    rows = [row for row in tx.search_results(case) if row.system == record.system]
    return any(record_index(app, each) == index for row in rows for each in records_of(app, case, row))
