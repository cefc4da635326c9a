"""A colleague at a desk, who answers what is asked about one person and changes what they are told to."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors import conformance
from connectors.manual import ManualConnector
from dsar.connector import Holding, Word
from dsar.declaration import Declaration, parse_declaration
from dsar.model import Identifier, PlanStep, StepAction

TEXT = '  {column = "text", label = {sv = "Övrigt", en = "Other"}, category = "note", free_text = true},\n]\n'


def declaration() -> Declaration:
    text = conformance.DECLARATION.format(kind="manual", place="").rstrip().removesuffix("]") + TEXT
    return parse_declaration(text, source="manual")


class Desk:
    """A colleague who sent a list, and does at once what they are told."""

    def __init__(
        self, holdings: Mapping[str, Holding], *, waiting_for: str = "", asked_for: Sequence[Identifier] = ()
    ) -> None:
        self.holdings = dict(holdings)
        self.waiting_for = waiting_for
        self.asked_for = asked_for
        self.orders: list[PlanStep] = []
        self.says = Word.DONE

    def order(self, step: PlanStep) -> None:
        self.orders.append(step)
        if self.says is not Word.DONE:
            return
        if step.action is StepAction.ERASE:
            del self.holdings[step.key]
        else:
            held = self.holdings[step.key]
            values = dict(held.values) | {each.path: each.after or "" for each in step.changes}
            self.holdings[step.key] = replace(held, values=tuple(values.items()))

    def word(self, step: PlanStep) -> Word | None:
        return self.says if step in self.orders else None


def read(text: str = "", *files: tuple[str, bytes]) -> list[dict[str, str]]:
    """What an answer says to be held."""
    return [dict(each.values) for each in connector_for().read(text, files)]


def connector_for(desk: Desk | None = None) -> ManualConnector:
    system = ManualConnector(name="office", declaration=declaration())
    return system.at(desk) if desk else system


def table(rows: Sequence[Mapping[str, str]], delimiter: str = ";") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("cp1252")


def answered(*files: tuple[str, bytes], text: str = "", asked_for: Sequence[Identifier] = ()) -> ManualConnector:
    """The place after a colleague has sent this."""
    held = connector_for().read(text, files)
    return connector_for(Desk({f"TASK-1:{n}": each for n, each in enumerate(held)}, asked_for=asked_for))
