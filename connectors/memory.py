"""
A system in memory: the reference implementation of every ability, for tests and for reading.

Effects: reads the file of rows when it is opened; changes the rows it was given, in memory only.

Options: `rows_file`, JSON `{object: [{column: text}]}`.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from connectors import check_options, plans
from connectors.declared import Row, canary_found, search_rows
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SettingsError
from dsar.model import Identifier, PlanStep, StepOutcome


def open_memory(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "MemoryConnector":
    """The system whose rows stand in the JSON file `rows_file`. Raises: SettingsError."""
    check_options(name, options, required=frozenset({"rows_file"}), optional=frozenset())
    try:
        rows = json.loads(Path(options["rows_file"]).read_text("utf-8"))
        texts = {object_: [dict(row) for row in stored] for object_, stored in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SettingsError([f"system {name}: rows_file cannot be read ({type(error).__name__})"]) from None
    return MemoryConnector(name=name, declaration=declaration, rows=texts)


class MemoryConnector(plans.Planner):
    """Searches, updates, erases and suppresses in `{object: [{column: value}]}`."""

    def __init__(self, *, name: str, declaration: Declaration, rows: Mapping[str, list[dict[str, str]]]) -> None:
        self.name = name
        self._declaration = declaration
        self._rows = rows

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        records, emits = search_rows(self, self._declaration, identifiers, system=self.name, read_at=read_at)
        return SearchAnswer(records=records, complete=True, emits=emits)

    def health(self) -> Health:
        found = canary_found(self, self._declaration)
        return Health(ok=found is not False, detail="the canary person is not found" if found is False else "")

    def apply(self, step: PlanStep, *, key: str) -> None:
        stored = self._stored(step)
        writes = plans.due_writes(self._declaration, step, self._row(step, stored))
        if stored is None:
            return
        if writes is None:
            self._rows[step.object].remove(stored)
        else:
            stored.update(writes)

    def verify(self, step: PlanStep) -> StepOutcome:
        return plans.outcome(step, self._row(step, self._stored(step)))

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        for stored in self._rows.get(declared.name, []):
            yield Row(key=stored[declared.key or ""], values=stored)

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        for stored in self._rows.get(declared.name, []):
            if stored.get(column) in values:
                yield Row(key=stored[declared.key or ""], values=stored)

    def _stored(self, step: PlanStep) -> dict[str, str] | None:
        key = self._declaration.object(step.object).key or ""
        return next((stored for stored in self._rows.get(step.object, []) if stored[key] == step.key), None)

    def _row(self, step: PlanStep, stored: dict[str, str] | None) -> Row | None:
        return Row(key=step.key, values=stored) if stored is not None else None
