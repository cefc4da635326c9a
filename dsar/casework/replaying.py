"""
A system restored from a backup -> what had been erased, stopped or locked in it since, done once more.

The list names nobody: systems, keys under a key of their own, and digests by which the record is known to be the same
person's. What was corrected since is looked for by its case, as after a night (see fulfilling).
"""

from dataclasses import dataclass
from datetime import date, datetime

from dsar import deadlines
from dsar.casework import duties, freezing, jobs, removing
from dsar.casework.context import App
from dsar.casework.removing import Ending
from dsar.errors import SystemUnavailableError, UsageError
from dsar.lifecycle import State
from dsar.model import Record, Right
from dsar.store.tables import Duty

#: Ending -> how staff read it; those of which a person must look.
_WORDS = {
    Ending.DONE: "done again",
    Ending.GONE: "not there",
    Ending.NOTHING: "as it was left",
    Ending.ANOTHER: "another record",
    Ending.KEPT: "kept by a law now",
    Ending.PERSON: "a person has to do it",
    Ending.REFUSED: "refused by the system",
    Ending.STAYS: "done, and reads back otherwise",
}
_FOR_A_PERSON = frozenset({Ending.KEPT, Ending.PERSON, Ending.REFUSED, Ending.STAYS})


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one record that must not come back."""

    number: int
    case_reference: str
    system: str
    object: str
    result: str
    needs_person: bool


def replay(app: App, *, since: date, system: str | None, dry_run: bool, actor: str, now: datetime) -> list[Replayed]:
    """
    Do again what was done on *since* or later; may be repeated, for what is as it was left stays so.

    Args: system: only this one; dry_run: only tell what has come back. Raises: UsageError for an unknown system.
    """
    if system is not None and system not in app.systems:
        raise UsageError(f"No system is called {system}; there are {', '.join(app.systems)}.")
    with app.store.transaction() as tx:
        listed = [row for row in tx.not_to_restore(since=since) if system in {None, row.system}]
        detail = {"since": since.isoformat(), "system": system or "", "dry_run": str(dry_run)}
        tx.record("replayed", actor=actor, at=now, detail=detail | {"records": str(len(listed))})
    found = [_replayed(duty, *_again(app, duty, dry_run=dry_run, now=now)) for duty in listed]
    if not dry_run:
        _look_for_corrections(app, since=since, now=now)
    return found


def _again(app: App, duty: Duty, *, dry_run: bool, now: datetime) -> tuple[str, bool]:
    """(how it stands now, whether a person must look)"""
    try:
        record = removing.look_up(app, duty, now=now)
        if record is None or isinstance(record, Ending):
            ending = record or Ending.GONE
        elif not removing.is_theirs(app, duty, record):
            ending = Ending.NOTHING  # emptied, or somebody else's who was given its key
        elif dry_run:
            return "has come back", False
        elif frozen := _frozen(app, duty, record):
            return frozen, True
        else:
            ending = removing.remove(app, duty, record, key=f"replay:{duty.id}:{now.isoformat()}").ending
        if not dry_run:
            with app.store.transaction() as tx:
                jobs.forget(tx, duty)
    except SystemUnavailableError:
        return "the system does not answer", True
    return _WORDS[ending], ending in _FOR_A_PERSON


def _frozen(app: App, duty: Duty, record: Record) -> str:
    """Why what has come back is not erased today; to stop marketing or to lock takes nothing away from an answer."""
    if duty.right != Right.ERASE:
        return ""
    with app.store.transaction(read_only=True) as tx:
        why = freezing.why(app, tx, duty, record)
    return f"waits: {why}" if why else ""


def _replayed(duty: Duty, result: str, needs_person: bool) -> Replayed:  # noqa: FBT001  # as _again tells it
    return Replayed(
        number=duty.id or 0,
        case_reference=duty.case_reference,
        system=duty.system,
        object=duty.object,
        result=result,
        needs_person=needs_person,
    )


def _look_for_corrections(app: App, *, since: date, now: datetime) -> None:
    """Old values that a backup brought back are found by a search for their person, today."""
    with app.store.transaction() as tx:
        for request, case in tx.closed_since(Right.UPDATE, since=since):
            if case.purged_at is None and request.state == State.CLOSED:
                duties.look_again(app, tx, case, Right.UPDATE, due_on=deadlines.received_on(now))
