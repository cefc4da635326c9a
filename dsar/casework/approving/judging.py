"""
A request in review -> what stands between it and its approval.

Effects: reads the database.
"""

from collections.abc import Mapping, Sequence

from dsar.casework import attaching, desks, tasks
from dsar.casework.context import App
from dsar.casework.facts import undecided_passages, undecided_records
from dsar.casework.identifying import level_needed
from dsar.casework.thread import STRANGER, WITHDRAWN
from dsar.connector import Asks
from dsar.errors import ApprovalError, CoverageError, IdentityNotVerifiedError
from dsar.locale import said
from dsar.model import IdentityLevel, Record, Right, SystemOutcome
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request, Task

_SETTLED = frozenset({SystemOutcome.FOUND, SystemOutcome.NOTHING})


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


def obstacles(
    app: App, case: CaseFile, request: Request, *, outcomes: Mapping[str, str], asked: Sequence[Task]
) -> list[str]:
    """
    Everything that stands between a request in review and its approval, in words; empty if nothing does.

    For the queue, from what was noted and without opening anything sealed; approving itself judges the records.
    Args: outcomes: {system: how the latest search of the case ended there}; asked: the tasks of the case.
    """
    if request.decision:
        return []
    if request.right == Right.OBJECT:
        return _missing(app, outcomes, asked, Right.OBJECT)
    found = _missing(app, outcomes, asked)
    if case.undecided:
        found.append(_undecided(case, case.undecided))
    if case.unredacted and request.right == Right.ACCESS:
        found.append(_unredacted(case, case.unredacted))
    if case.documents_open and request.right == Right.ACCESS:
        found.append(_undecided_documents(case, case.documents_open))
    if request.needed_level and IdentityLevel(case.identity_level) < IdentityLevel(request.needed_level):
        found.append(
            said(
                "identity is {level}, {needed} is needed ('dsar verify {case}')",
                level=case.identity_level,
                needed=request.needed_level,
                case=case.reference,
            )
        )
    return found


def coverage_failures(app: App, tx: Transaction, case: CaseFile, right: Right | None = None) -> list[str]:
    """
    Places, and colleagues, that have not answered in full (P5).

    Args: right: a marketing stop does not wait for people whose place serves no marketing (Art. 21(3)).
    """
    return _missing(app, tx.search_outcomes(case), tx.tasks_of(case.id or 0), right)


def _missing(app: App, outcomes: Mapping[str, str], asked: Sequence[Task], right: Right | None = None) -> list[str]:
    asking = {name for name, system in app.systems.items() if isinstance(system, Asks)}
    passed = {name for name in asking if right is not None and not desks.is_about(app, right, name)}
    failures: list[str] = [
        said("system {name} is {outcome}", name=name, outcome=outcome)
        for name, outcome in outcomes.items()
        if outcome not in _SETTLED and name not in passed
    ]
    failures += [
        said("{task} ({system}) is not answered", task=task.reference, system=task.system)
        for task in asked
        if tasks.is_missing(task) and task.system not in passed
    ]
    return failures + [
        said("system {name} was not searched", name=name) for name in app.systems if name not in outcomes
    ]


def _coverage_gaps(app: App, tx: Transaction, case: CaseFile) -> list[str]:
    """Places that have not answered in full, and candidates that nobody decided about (P5)."""
    gap = undecided_gap(app, tx, case)
    return coverage_failures(app, tx, case) + ([gap] if gap else [])


def undecided_gap(app: App, tx: Transaction, case: CaseFile) -> str | None:
    """How many candidates nobody has decided about, in words; None if there are none (P6)."""
    undecided = undecided_records(app, tx, case)
    return _undecided(case, len(undecided)) if undecided else None


def _undecided(case: CaseFile, count: int) -> str:
    return said("{count} candidate(s) are undecided ('dsar decide {case}')", count=count, case=case.reference)


def check_redactions(app: App, tx: Transaction, case: CaseFile, request: Request) -> None:
    """Raises: CoverageError while a passage or document that may be about others is undecided (Art. 15(4), P6)."""
    if request.right != Right.ACCESS:
        return
    gaps = [_unredacted(case, len(undecided))] if (undecided := undecided_passages(app, tx, case)) else []
    if documents := attaching.open_count(app, tx, case):
        gaps.append(_undecided_documents(case, documents))
    if gaps:
        raise CoverageError(case.reference, gaps)


def _undecided_documents(case: CaseFile, count: int) -> str:
    sentence = "{count} document(s) are not fetched, or undecided ('dsar document {case}')"
    return said(sentence, count=count, case=case.reference)


def _unredacted(case: CaseFile, count: int) -> str:
    sentence = "{count} passage(s) about other people are undecided ('dsar redact {case}')"
    return said(sentence, count=count, case=case.reference)


def check_identity(app: App, tx: Transaction, case: CaseFile, request: Request, records: tuple[Record, ...]) -> None:
    """Raises: IdentityNotVerifiedError if less is known of who asks than what was found demands (P4)."""
    needed = level_needed(app, tx, case, request, records)
    if IdentityLevel(case.identity_level) < needed:
        raise IdentityNotVerifiedError(case.reference, case.identity_level, needed)


def check_coverage(app: App, tx: Transaction, case: CaseFile) -> None:
    """Raises: CoverageError while a place has not answered in full, or a candidate is undecided (P5, P6)."""
    if gaps := _coverage_gaps(app, tx, case):
        raise CoverageError(case.reference, gaps)
