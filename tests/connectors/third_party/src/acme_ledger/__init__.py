"""A card index in one JSON file: what somebody else's connector looks like, built on the public helpers."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from connectors import check_options, plans
from connectors.declared import Row, canary_found, search_rows
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SystemUnavailableError
from dsar.model import Identifier, PlanStep, Record, RequestedChange, StepOutcome


def open_ledger(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "Ledger":
    check_options(name, options, required=frozenset({"ledger_file"}), optional=frozenset())
    return Ledger(name, declaration, Path(options["ledger_file"]))


class Ledger:
    def __init__(self, name: str, declaration: Declaration, path: Path) -> None:
        self.name, self._declaration, self._path = name, declaration, path

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        records, emits = search_rows(self, self._declaration, identifiers, system=self.name, read_at=read_at)
        return SearchAnswer(records=records, complete=True, emits=emits)

    def health(self) -> Health:
        found = canary_found(self, self._declaration)
        return Health(ok=bool(found), detail="" if found else "the canary person is not found")

    def plan_update(self, records: Sequence[Record], changes: Sequence[RequestedChange]) -> tuple[PlanStep, ...]:
        return plans.plan_update(self._declaration, records, changes)

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plans.plan_erase(self._declaration, records)

    def plan_suppress(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plans.plan_suppress(self._declaration, records)

    def apply(self, step: PlanStep, *, key: str) -> None:
        cards = self._cards()
        writes = plans.due_writes(self._declaration, step, self._row(cards, step.key))
        if writes is None:
            del cards[step.key]
        elif writes:
            cards[step.key] |= writes
        self._path.write_text(json.dumps(cards), "utf-8")

    def verify(self, step: PlanStep) -> StepOutcome:
        return plans.outcome(step, self._row(self._cards(), step.key))

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        return (Row(key=key, values=card) for key, card in self._cards().items())

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        return (Row(key=key, values=card) for key, card in self._cards().items() if card[column] in values)

    def _cards(self) -> dict[str, dict[str, str]]:
        try:
            cards: dict[str, dict[str, str]] = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise SystemUnavailableError(self.name, type(error).__name__) from None
        return cards

    @staticmethod
    def _row(cards: Mapping[str, dict[str, str]], key: str) -> Row | None:
        return Row(key=key, values=cards[key]) if key in cards else None
