"""
A vCard file -> contact cards, each as properties with text.

Effects: none. Pictures, sounds and keys are left out; what cannot be parsed is an error, never a card that is missing.
"""

import base64
import re
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

#: (NAME, text) of one card, those of one name in their order.
Properties = list[tuple[str, str]]

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
_DATA = re.compile(r"data:[\w/+.;=-]*\\?;base64\\?,(?P<data>[\s\S]*)", re.IGNORECASE)
_HEAD = re.compile(r"(?:[\w-]+\.)?(?P<name>[A-Za-z0-9-]+)(?:;(?:[^\":;]|\"[^\"]*\")*)*:")
_BARE_COMMA = re.compile(r"(?<!\\),")
#: What the library takes apart itself.
_TAKEN_APART = frozenset({"N", "ADR", "ORG", "CATEGORIES"})


def read_cards(content: bytes) -> list[Card]:
    """Raises: ValueError if it is no vCard file, or not whole."""
    return [tuple(_properties(card)) for card in _components(content)]


def read_card(content: bytes) -> Properties:
    """
    Every property of the one card in *content*.

    What is no text, as pictures, is told by its size. Raises: ValueError.
    """
    cards = _components(content)
    if len(cards) != 1:
        raise ValueError("more than one card")
    return [(line.name.upper(), _said(line.value) or _size(line.value)) for line in cards[0].lines()]


def pictures_of(content: bytes) -> dict[str, list[bytes]]:
    """{name in small letters: what the one card in *content* holds under it and is no text}. Raises: ValueError."""
    found: dict[str, list[bytes]] = {}
    for card in _components(content):
        for line in card.lines():
            if (value := _no_text(line.value)) is not None:
                found.setdefault(line.name.lower(), []).append(value)
    return found


def _size(value: object) -> str:
    content = _no_text(value)
    return f"{len(content)} bytes" if content is not None else ""


def _no_text(value: object) -> bytes | None:
    """Bytes, as versions 2.1 and 3.0 have them, or those in a URI of version 4.0 (RFC 6350 s. 6.2.4, RFC 2397)."""
    if isinstance(value, bytes):
        return value
    packed = _DATA.match(value) if isinstance(value, str) else None
    try:
        return base64.b64decode(re.sub(r"\s|\\", "", packed["data"]), validate=True) if packed else None
    except ValueError:
        return None


def _components(content: bytes) -> list["vobject.base.Component"]:
    text = decoded(content)
    try:
        # Version 2.1 folds quoted-printable lines by a sign at their end, which other versions may end with.
        cards = list(vobject.readComponents(_all_of_lists(text), allowQP="QUOTED-PRINTABLE" in text.upper()))
    except Exception as error:  # noqa: BLE001  # its errors have no common base
        raise ValueError(type(error).__name__) from None
    if not cards or any(card.name != "VCARD" for card in cards):
        raise ValueError("no contact card")
    if len(cards) != sum(line.strip().upper() == "BEGIN:VCARD" for line in text.splitlines()):
        raise ValueError("a card is not whole")
    return cards


def _all_of_lists(text: str) -> str:
    """*text* with the commas between values escaped: of a list, the library gives the first value alone."""
    lines = []
    listed = False
    for line in text.splitlines():
        if head := _HEAD.match(line):
            listed = head["name"].upper() not in _TAKEN_APART
        start = head.end() if head else 0
        lines.append(line[:start] + _BARE_COMMA.sub(r"\,", line[start:]) if listed else line)
    return "\r\n".join([*lines, ""])


def _properties(card: "vobject.base.Component") -> Iterator[Property]:
    for line in card.lines():
        name = line.name.upper()
        if name in _LEFT_OUT:
            continue
        kind, label = _KNOWN.get(name, (None, name.removeprefix("X-").replace("-", " ").lower()))
        text = _said(line.value)
        if text:
            yield Property(kind=kind, label=label, text=text)


def _said(value: object) -> str:
    return _text(value).removeprefix("tel:")  # RFC 6350 s. 6.4.1: version 4 may write a URI


def _text(value: object) -> str:
    """Structured values (addresses, organisations) as one line of their parts."""
    if _no_text(value) is not None:
        return ""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    return ", ".join(part.strip() for part in str(value).splitlines() if part.strip())
