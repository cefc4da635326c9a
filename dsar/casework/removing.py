"""
The key of one record -> the record erased, locked or stopped by its system's rules, and read back; without any case.

What was approved years ago is done by key alone, so the record must still be the person's: a key that was given to
somebody else's record since is a person's to look at (P6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dsar.casework import duties, jobs, traces
from dsar.casework.context import App
from dsar.casework.planning import WRITING
from dsar.connector import Erases, LooksUp, Restricts, Searches, Suppresses
from dsar.errors import SystemContractError, SystemDriftError, SystemRefusedError
from dsar.model import PlanStep, Record, Right, StepAction
from dsar.store.tables import Duty


class Ending(StrEnum):
    """How the removal of one record ended."""

    DONE = "done"  #: Read back.
    GONE = "gone"  #: There is no such record.
    NOTHING = "nothing"  #: It holds nothing more to remove.
    ANOTHER = "another"  #: Another record has its key, or it was changed so that nobody can tell.
    KEPT = "kept"  #: A law keeps it longer.
    PERSON = "person"  #: The program cannot; a person does it.
    REFUSED = "refused"  #: The system does not allow it.
    STAYS = "stays"  #: It was done and reads back otherwise.


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What became of one record."""

    ending: Ending
    until: date | None = None  #: Of what is kept longer: its last day.
    left: tuple[PlanStep, ...] = ()  #: What a person has to do beside it.


def look_up(app: App, duty: Duty, *, now: datetime) -> Record | Ending | None:
    """The record that a duty is about; None: there is none; PERSON: its system cannot tell."""
    system = app.systems.get(duty.system)
    if not isinstance(system, LooksUp) or not any(
        declared.name == duty.object for declared in app.declarations[duty.system].objects
    ):
        return Ending.PERSON
    try:
        return system.look_up(duty.object, duties.key_of(app, duty), read_at=now)
    except SystemContractError:
        return Ending.PERSON


def is_theirs(app: App, duty: Duty, record: Record) -> bool:
    """Whether *record* still tells of the person whom the duty is about."""
    return bool(set(duty.marks) & set(duties.marks_of(app, record)))


def remove(app: App, duty: Duty, record: Record, *, key: str) -> Removal:
    """
    Do to *record* what the right of the duty demands now, and read it back.

    Args: key: names this attempt for the system's own ledger. Raises: SystemUnavailableError: try again later.
    """
    system = app.systems[duty.system]
    steps = traces.judged(_plan(system, Right(duty.right), record), [record], app.declarations)
    if any(step.action is StepAction.KEEP for step in steps):
        return Removal(ending=Ending.KEPT, until=next(step.until for step in steps if step.until))
    writing = [step for step in steps if step.action in WRITING and (step.changes or step.action is StepAction.ERASE)]
    left = tuple(step for step in steps if step.action is StepAction.TASK)
    if not writing:
        return Removal(ending=Ending.PERSON if left else Ending.NOTHING, left=left)
    return Removal(ending=_carry_out(app, duty, system, writing, key), left=left)


def _plan(system: Searches, right: Right, record: Record) -> Sequence[PlanStep]:
    if right is Right.OBJECT:
        return system.plan_suppress([record]) if isinstance(system, Suppresses) else ()
    if right is Right.RESTRICT:
        return system.plan_restrict([record]) if isinstance(system, Restricts) else ()
    return system.plan_erase([record]) if isinstance(system, Erases) else ()


def _carry_out(app: App, duty: Duty, system: Searches, steps: Sequence[PlanStep], key: str) -> Ending:
    try:
        for number, step in enumerate(steps):
            bound = jobs.of_duty(app, duty, step, system, key=duties.KEY)
            assert isinstance(bound, Erases | Suppresses | Restricts)  # noqa: S101  # only such a system gives writing steps
            bound.apply(step, key=f"{key}:{number}")
    except SystemDriftError:
        return Ending.ANOTHER
    except (SystemRefusedError, SystemContractError):
        return Ending.REFUSED
    assert isinstance(system, Erases | Suppresses | Restricts)  # noqa: S101  # as above
    return Ending.DONE if all(system.verify(step).done for step in steps) else Ending.STAYS
