"""
A record that is due for erasure -> why it must wait: its person has asked to see their data, or somebody looks at them.

EDPB 01/2022 s. 2.3.4: nothing is erased to avoid an answer; what is held on the day of the request is told.
"""

from dsar.casework import duties
from dsar.casework.context import App, record_index, records_of
from dsar.identifiers import find_identifiers
from dsar.model import IdentifierType, Record, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty


def why(app: App, tx: Transaction, duty: Duty, record: Record) -> str:
    """Why *record* is not erased today, in words without personal data; "" if nothing stands in the way."""
    own_case = duties.case_of(tx, duty)
    if own_case and own_case.legal_hold:
        return "its case is under a hold"
    asking = _asking(app, tx, record, tx.indexed_alike(own_case.id or 0) if own_case else set())
    return next((f"{case.reference} asks for access" for case in asking), "")


def _asking(app: App, tx: Transaction, record: Record, alike: set[int]) -> list[CaseFile]:
    """
    Cases with an open request for access that have found *record*, or whose person it names.

    Args: alike: ids of cases with the same sender, or the same identifiers, as the one that the duty comes from.
    """
    open_ones = {case.id: case for request, case in tx.open_requests() if request.right == Right.ACCESS}
    if not open_ones:
        return []
    met = {*record.own, *(found for value in record.values for found in find_identifiers(value.value))}
    digests = [app.vault.index_identifier(each) for each in met]
    digests += [app.vault.index("sender", each.value) for each in met if each.type is IdentifierType.EMAIL]
    named = alike | {case.id or 0 for digest in digests for case in tx.cases_indexed(digest)}
    return [case for id_, case in open_ones.items() if id_ in named or _has_found(app, tx, case, record)]


def _has_found(app: App, tx: Transaction, case: CaseFile, record: Record) -> bool:
    index = record_index(app, record)
    rows = [row for row in tx.search_results(case) if row.system == record.system]
    return any(record_index(app, each) == index for row in rows for each in records_of(app, case, row))
