"""
CASE, CASE/RIGHT or M-17, as staff write it -> what it names, if they may open it.

Effects: reads the database.
"""

from collections.abc import Iterable

from dsar import deadlines
from dsar.casework import protecting
from dsar.casework.context import App
from dsar.errors import AmbiguousRequestError, PurgedCaseError, UnknownCaseError, UsageError
from dsar.lifecycle import State
from dsar.locale import said
from dsar.model import Right
from dsar.store.tables import CaseFile, Message, Request


def find_case(app: App, reference: str, *, actor: str | None = None, purged_too: bool = False) -> CaseFile:
    """
    The case of CASE or CASE/RIGHT.

    Args: actor: who wants to open it, nobody unnamed opens a restricted one; purged_too: what is left of a purged case
    will do.
    Raises: UnknownCaseError; PurgedCaseError; NotPermittedError.
    """
    with app.store.transaction() as tx:
        case = tx.case(_split(reference)[0])
    protecting.check(app.settings, case, actor)
    if case.purged_at is not None and not purged_too:
        raise PurgedCaseError(case.reference, deadlines.received_on(case.purged_at))
    return case


def find_request(
    app: App, reference: str, states: Iterable[State], *, actor: str | None = None
) -> tuple[CaseFile, Request]:
    """
    The one request that CASE or CASE/RIGHT names.

    Args: states: in which the intended command makes sense; they choose among several rights of a case; actor: as of
    find_case().
    Raises: as find_case(); UsageError if none fits; AmbiguousRequestError if several do.
    """
    right = _split(reference)[1]
    wanted = frozenset(states)
    case = find_case(app, reference, actor=actor)
    name = case.reference
    with app.store.transaction() as tx:
        requests = [each for each in tx.requests(case.id or 0) if right is None or each.right == right]
    if not requests:
        raise UnknownCaseError(reference)
    fitting = [each for each in requests if each.state in wanted]
    if not fitting:
        stand = ", ".join(f"{each.right} is in {each.state}" for each in requests)
        raise UsageError(said("{reference}: nothing to do here ({stand}).", reference=reference, stand=stand))
    if len(fitting) > 1 and right is None:
        raise AmbiguousRequestError(name, [each.right for each in fitting])
    return case, fitting[-1]


def _split(reference: str) -> tuple[str, Right | None]:
    name, _, right = reference.strip().partition("/")
    if right and right not in set(Right):
        raise UsageError(said("{right!r} is no right; there are {listed}.", right=right, listed=", ".join(Right)))
    return name.upper(), Right(right) if right else None


def find_message(app: App, reference: str) -> Message:
    """The mail of M-17. Raises: UsageError."""
    number = reference.upper().removeprefix("M-")
    with app.store.transaction() as tx:
        message = tx.message(int(number)) if number.isdecimal() and len(number) < 12 else None
    if message is None or message.purged_at is not None:
        raise UsageError(said("There is no mail {reference!r}; 'dsar queue' lists what waits.", reference=reference))
    return message
