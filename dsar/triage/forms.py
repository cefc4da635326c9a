"""
Text of a mail from a web form -> what was entered, by the layout that settings give.

Effects: none. Whoever fills in a form proves nothing, and what they type may look like another field: of a label that
stands twice the first counts, and a person looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType

_MESSAGE, _NAME = "message", "name"
#: What stands around a label that is set in bold.
_EDGES = " \t*"


@dataclass(frozen=True, kw_only=True)
class Form:
    """A web form that mails what was entered."""

    sender: str  #: Address that its mails come from.
    fields: Mapping[str, str]  #: {label: "message" or a type of identifier}


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What was entered, as it was entered; none of it is proven."""

    message: str
    identifiers: tuple[Identifier, ...]  #: Without the name.
    name: str | None
    is_ambiguous: bool  #: A label stands twice.

    @property
    def address(self) -> str | None:
        """The e-mail address entered."""
        return next((each.value for each in self.identifiers if each.type is IdentifierType.EMAIL), None)


def read_form(text: str, form: Form) -> Filled | None:
    """What was entered; None if no field of *form* is found in *text*."""
    labels = {label.casefold(): holds for label, holds in form.fields.items()}
    entered: dict[str, list[str]] = {}
    is_ambiguous = False
    current: list[str] = []
    for line in text.split("\n"):
        label, value = _label(line, labels)
        if label is None:
            current.append(line)
            continue
        current = [value]
        is_ambiguous |= label in entered
        entered.setdefault(label, current)
    if not entered:
        return None
    values = {labels[label]: _value(lines, labels[label]) for label, lines in entered.items()}
    found = [normalise(IdentifierType(holds), text) for holds, text in values.items() if holds != _MESSAGE and text]
    return Filled(
        message=values.get(_MESSAGE, ""),
        identifiers=tuple(each for each in found if each is not None and each.type is not IdentifierType.NAME),
        name=values.get(_NAME) or None,
        is_ambiguous=is_ambiguous,
    )


def _label(line: str, labels: Mapping[str, str]) -> tuple[str | None, str]:
    """The known label that begins *line* and what follows it; a label may stand on a line of its own."""
    whole = line.strip(_EDGES).rstrip(":").strip(_EDGES).casefold()
    if whole in labels:
        return whole, ""
    at = min((place for place in (line.find(":"), line.find("=")) if place >= 0), default=-1)
    label = line[: max(at, 0)].strip(_EDGES).casefold()
    return (label, line[at + 1 :].strip(_EDGES)) if label in labels else (None, "")


def _value(lines: list[str], holds: str) -> str:
    """All of a message; of every other field the first line with something on it."""
    if holds == _MESSAGE:
        return "\n".join(lines).strip()
    return next((line.strip() for line in lines if line.strip()), "")
