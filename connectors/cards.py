"""
A vCard file -> contact cards, each as properties with text.

Effects: none. Pictures, sounds and keys are left out; what cannot be parsed is an error, never a card that is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import vobject

from connectors.tables import decoded
from dsar.model import IdentifierType


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of a card."""

    kind: IdentifierType | None  #: What its text is, if it is an identifier.
    label: str  #: Name of the property in words.
    text: str


Card = tuple[Property, ...]

#: Property -> what it is and how it is called; the others are called by their own name.
_KNOWN: dict[str, tuple[IdentifierType | None, str]] = {
    "FN": (IdentifierType.NAME, "name"),
    "EMAIL": (IdentifierType.EMAIL, "e-mail"),
    "TEL": (IdentifierType.PHONE, "phone"),
    "ADR": (IdentifierType.ADDRESS, "address"),
    "ORG": (None, "organisation"),
    "NOTE": (None, "note"),
    "BDAY": (None, "birthday"),
}
#: N says again what FN says; the rest is about the card itself, or no text.
_LEFT_OUT = frozenset({"N", "VERSION", "PRODID", "UID", "REV", "PHOTO", "LOGO", "SOUND", "KEY"})


def read_cards(content: bytes) -> list[Card]:
    """Raises: ValueError if it is no vCard file, or not whole."""
    text = decoded(content)
    try:
        cards = list(vobject.readComponents(text))
    except Exception as error:  # noqa: BLE001  # its errors have no common base
        raise ValueError(type(error).__name__) from None
    if not cards or any(card.name != "VCARD" for card in cards):
        raise ValueError("no contact card")
    if len(cards) != sum(line.strip().upper() == "BEGIN:VCARD" for line in text.splitlines()):
        raise ValueError("a card is not whole")
    return [tuple(_properties(card)) for card in cards]


def _properties(card: "vobject.base.Component") -> Iterator[Property]:
    for line in card.lines():
        name = line.name.upper()
        if name in _LEFT_OUT:
            continue
        kind, label = _KNOWN.get(name, (None, name.removeprefix("X-").replace("-", " ").lower()))
        text = _text(line.value).removeprefix("tel:")  # RFC 6350 s. 6.4.1: version 4 may write a URI
        if text:
            yield Property(kind=kind, label=label, text=text)


def _text(value: object) -> str:
    """Structured values (addresses, organisations) as one line of their parts."""
    if isinstance(value, bytes):
        return ""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    return ", ".join(part.strip() for part in str(value).splitlines() if part.strip())
