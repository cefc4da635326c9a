"""
A step that is carried out -> the jobs that it has begun in its system, kept beside it until it has ended.

The id of a job may be as personal as what it works on (a link with an address in it), so it is sealed like a plan.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dsar.casework.context import App, case_key
from dsar.connector import BeginsJobs, Searches
from dsar.errors import SystemUnavailableError
from dsar.model import PlanStep
from dsar.store import Transaction
from dsar.store.tables import CaseFile, ChangePlan, Duty, LedgerEntry


def of_step(app: App, case: CaseFile, known: ChangePlan, position: int, system: Searches) -> Searches:
    """*system*, whose jobs for this step of a plan stand in the ledger; as it is if it begins none."""
    row = _Row(
        name=f"ledger.jobs:{known.id}:{position}",
        key=case_key(case),
        of=lambda tx: tx.ledger(known.id or 0).get(position),
    )
    return _with(app, system, row)


def of_duty(app: App, duty: Duty, step: PlanStep, system: Searches, *, key: str) -> Searches:
    """*system*, whose jobs for one step of what is owed stand beside the duty, sealed under *key*."""
    row = _Row(name=f"duty.jobs:{duty.id}", key=key, of=lambda tx: tx.duty(duty.id or 0), prefix=f"{step.action} ")
    return _with(app, system, row)


def forget(tx: Transaction, duty: Duty) -> None:
    """What was begun for a duty has ended, well or badly: another time it is begun anew."""
    known = tx.duty(duty.id or 0)
    if known is not None:
        known.sealed_jobs = None


@dataclass(frozen=True, kw_only=True)
class _Row:
    """Where the jobs of one step stand."""

    name: str  #: What they are sealed as.
    key: str  #: What they are sealed under.
    of: Callable[[Transaction], LedgerEntry | Duty | None]
    prefix: str = ""  #: Of the names of its requests, where several steps share a row.


def _with(app: App, system: Searches, row: _Row) -> Searches:
    return system.with_jobs(_KeptJobs(app, system, row)) if isinstance(system, BeginsJobs) else system


class _KeptJobs:
    """What dsar.connector.Jobs promises."""

    def __init__(self, app: App, system: object, row: _Row) -> None:
        self._app, self._row = app, row
        self._system = str(getattr(system, "name", "system"))

    def begun(self) -> Mapping[str, str]:
        with self._app.store.transaction() as tx:
            known = self._opened(self._found(tx))
        prefix = self._row.prefix
        return {name.removeprefix(prefix): job for name, job in known.items() if name.startswith(prefix)}

    def begin(self, request: str, job: str) -> None:
        with self._app.store.transaction() as tx:
            found = self._found(tx)
            known = self._opened(found) | {self._row.prefix + request: job}
            found.sealed_jobs = self._app.vault.seal(self._row.key, self._row.name, json.dumps(known).encode())

    def _found(self, tx: Transaction) -> LedgerEntry | Duty:
        found = self._row.of(tx)
        if found is None:
            raise SystemUnavailableError(self._system, "its step is not known any more")
        return found

    def _opened(self, row: LedgerEntry | Duty) -> dict[str, str]:
        if row.sealed_jobs is None:
            return {}
        known: dict[str, str] = json.loads(self._app.vault.unseal(self._row.key, self._row.name, row.sealed_jobs))
        return known
