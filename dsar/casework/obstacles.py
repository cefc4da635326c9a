"""
What was noted of a request in review -> what stands between it and its approval, in words.

Effects: none; nothing sealed is opened, so that a long queue is quick. Approving itself judges the records.
"""

from collections.abc import Mapping, Sequence

from dsar.casework import desks
from dsar.casework.context import App
from dsar.connector import Asks
from dsar.locale import said
from dsar.model import IdentityLevel, Right, SystemOutcome
from dsar.store.tables import CaseFile, Request, Task

_SETTLED = frozenset({SystemOutcome.FOUND, SystemOutcome.NOTHING})

#: So many systems are named in a line of the queue; a large company has hundreds.
_NAMED = 5


def obstacles(
    app: App, case: CaseFile, request: Request, *, outcomes: Mapping[str, str], asked: Sequence[Task]
) -> list[str]:
    """
    Everything that stands between a request in review and its approval, in words; empty if nothing does.

    Of many systems that have not answered only some are named.
    For the queue, from what was noted and without opening anything sealed; approving itself judges the records.
    Args: outcomes: {system: how the latest search of the case ended there}; asked: the tasks of the case.
    """
    if request.decision:
        return []
    if request.right == Right.OBJECT:
        return _some(of_coverage(app, outcomes, asked, Right.OBJECT))
    found = _some(of_coverage(app, outcomes, asked))
    if case.undecided:
        found.append(of_candidates(case, case.undecided))
    if case.unredacted and request.right == Right.ACCESS:
        found.append(of_passages(case, case.unredacted))
    if case.documents_open and request.right == Right.ACCESS:
        found.append(of_documents(case, case.documents_open))
    return found + of_identity(case, request)


def of_identity(case: CaseFile, request: Request) -> list[str]:
    """That who asks is not known surely enough for this request (promise P4)."""
    if not request.needed_level or IdentityLevel(case.identity_level) >= IdentityLevel(request.needed_level):
        return []
    sentence = "identity is {level}, {needed} is needed ('dsar verify {case}')"
    return [said(sentence, level=case.identity_level, needed=request.needed_level, case=case.reference)]


def of_coverage(app: App, outcomes: Mapping[str, str], asked: Sequence[Task], right: Right | None = None) -> list[str]:
    """
    What a search has not found out (P5).

    Args: right: as of `coverage_failures`; None: whoever was asked is waited for.
    """

    def is_waited_for(system: str) -> bool:
        if right is None or not isinstance(app.systems.get(system), Asks):
            return True
        return desks.is_about(app, right, system)

    failures: list[str] = [
        said("system {name} is {outcome}", name=name, outcome=outcome)
        for name, outcome in outcomes.items()
        if outcome not in _SETTLED and is_waited_for(name)
    ]
    failures += [
        said("{task} ({system}) is not answered", task=task.reference, system=task.system)
        for task in asked
        if desks.is_missing(task) and is_waited_for(task.system)
    ]
    return failures + [
        said("system {name} was not searched", name=name) for name in app.systems if name not in outcomes
    ]


def _some(failures: list[str]) -> list[str]:
    if len(failures) <= _NAMED + 1:
        return failures
    return [*failures[:_NAMED], said("{count} more answers are missing", count=len(failures) - _NAMED)]


def of_candidates(case: CaseFile, count: int) -> str:
    """Records that may be about the person and that nobody has decided about (P6)."""
    return said("{count} candidate(s) are undecided ('dsar decide {case}')", count=count, case=case.reference)


def of_documents(case: CaseFile, count: int) -> str:
    """Documents that nobody has looked through."""
    sentence = "{count} document(s) are not fetched, or undecided ('dsar document {case}')"
    return said(sentence, count=count, case=case.reference)


def of_passages(case: CaseFile, count: int) -> str:
    """Passages about other people that nobody has decided about (Art. 15(4))."""
    sentence = "{count} passage(s) about other people are undecided ('dsar redact {case}')"
    return said(sentence, count=count, case=case.reference)
