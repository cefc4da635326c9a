"""
A request in review -> what stands between it and its approval.

Effects: reads the database.
"""

from dsar.casework import attaching, obstacles
from dsar.casework.context import App
from dsar.casework.facts import undecided_passages, undecided_records
from dsar.casework.flags import STRANGER, WITHDRAWN
from dsar.errors import ApprovalError, CoverageError
from dsar.locale import said
from dsar.model import Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request


def check_flags(case: CaseFile, request: Request) -> None:
    """Raises: ApprovalError while somebody has written that the request may not be what the person wants."""
    reference = f"{case.reference}/{request.right}"
    if WITHDRAWN in case.flags:
        raise ApprovalError(
            reference,
            said(
                "the requester takes it back: 'dsar withdraw {reference}', or 'dsar release' with --seen if not",
                reference=reference,
            ),
        )
    if STRANGER in case.flags and request.right == Right.ERASE and not request.decision:
        raise ApprovalError(
            reference,
            said("somebody unknown has written about it: look, then 'dsar release {case} --seen'", case=case.reference),
        )


def coverage_failures(app: App, tx: Transaction, case: CaseFile, right: Right | None = None) -> list[str]:
    """
    Places, and colleagues, that have not answered in full (P5).

    Args: right: a marketing stop does not wait for people whose place serves no marketing (Art. 21(3)).
    """
    return obstacles.of_coverage(app, tx.search_outcomes(case), tx.tasks_of(case.id or 0), right)


def _coverage_gaps(app: App, tx: Transaction, case: CaseFile) -> list[str]:
    """Places that have not answered in full, and candidates that nobody decided about (P5)."""
    gap = undecided_gap(app, tx, case)
    return coverage_failures(app, tx, case) + ([gap] if gap else [])


def undecided_gap(app: App, tx: Transaction, case: CaseFile) -> str | None:
    """How many candidates nobody has decided about, in words; None if there are none (P6)."""
    undecided = undecided_records(app, tx, case)
    return obstacles.of_candidates(case, len(undecided)) if undecided else None


def check_redactions(app: App, tx: Transaction, case: CaseFile, request: Request) -> None:
    """Raises: CoverageError while a passage or document that may be about others is undecided (Art. 15(4), P6)."""
    if request.right != Right.ACCESS:
        return
    gaps = [obstacles.of_passages(case, len(undecided))] if (undecided := undecided_passages(app, tx, case)) else []
    if documents := attaching.open_count(app, tx, case):
        gaps.append(obstacles.of_documents(case, documents))
    if gaps:
        raise CoverageError(case.reference, gaps)


def check_coverage(app: App, tx: Transaction, case: CaseFile) -> None:
    """Raises: CoverageError while a place has not answered in full, or a candidate is undecided (P5, P6)."""
    if gaps := _coverage_gaps(app, tx, case):
        raise CoverageError(case.reference, gaps)
