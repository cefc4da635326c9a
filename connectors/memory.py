"""
A system in memory: the reference implementation of every ability, for tests and for reading.

Effects: reads the file of rows when it is opened; changes the rows it was given, in memory only.

Options: `rows_file`, JSON `{object: [{column: text}]}`; the bytes of documents as base64.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from connectors import attached, check_options, plans
from connectors.declared import Row, canary_found, looked_up, search_rows
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SettingsError
from dsar.model import Document, Identifier, PlanStep, Record, StepOutcome


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
    """Searches, attaches, updates, erases and suppresses in `{object: [{column: value}]}`."""

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

    def fetch(self, record: Record, document: Document) -> bytes:
        stored = self._stored(record.object, record.key) or {}
        content = stored.get(document.place)
        return attached.checked(record, document, base64.b64decode(content) if content else None)

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_, key)
        stored = self._stored(object_, key)
        if stored is None:
            return None
        return looked_up(declared, _row(declared, stored), system=self.name, read_at=read_at, rows=self)

    def apply(self, step: PlanStep, *, key: str) -> None:
        stored = self._stored(step.object, step.key)
        declared = self._declaration.object(step.object, step.key)
        writes = plans.due_writes(self._declaration, step, _row(declared, stored) if stored else None)
        if stored is None:
            return
        if writes is None:
            self._rows[step.object].remove(stored)
        else:
            stored.update(writes)

    def verify(self, step: PlanStep) -> StepOutcome:
        stored = self._stored(step.object, step.key)
        return plans.outcome(step, _row(self._declaration.object(step.object, step.key), stored) if stored else None)

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        for stored in self._rows.get(declared.name, []):
            yield _row(declared, stored)

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        for stored in self._rows.get(declared.name, []):
            if stored.get(column) in values:
                yield _row(declared, stored)

    def combinations(self, declared: DeclaredObject, columns: Sequence[str]) -> Mapping[tuple[str, ...], int]:
        rows = self._rows.get(declared.name, [])
        return Counter(tuple(stored.get(column, "") for column in columns) for stored in rows)

    def _stored(self, object_: str, key: str) -> dict[str, str] | None:
        column = self._declaration.object(object_).key or ""
        return next((stored for stored in self._rows.get(object_, []) if stored[column] == key), None)


def _row(declared: DeclaredObject, stored: dict[str, str]) -> Row:
    return Row(key=stored[declared.key or ""], values=stored, documents=tuple(_documents(declared, stored)))


def _documents(declared: DeclaredObject, stored: Mapping[str, str]) -> Iterator[Document]:
    for each in declared.documents:
        if packed := stored.get(each.content or ""):
            content = base64.b64decode(packed)
            digest = hashlib.sha256(content).hexdigest()
            yield attached.told(each, stored, place=each.content or "", size=len(content), sha256=digest)
