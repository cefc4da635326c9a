"""
(identifier, stored text) -> whether the text holds the identifier.

Effects: none. Systems spell phones, numbers and names in many ways, so a source only narrows its rows down (it may give
too many, never too few) and the decision is made here, in the normal form of dsar.identifiers.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache

from dsar.identifiers import normalise
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType
from dsar.names import can_be_same_person, name_words

#: Hits through these only point at a person, so they never make a record certain (P6).
POINTING = frozenset({IdentifierType.NAME, IdentifierType.ADDRESS, IdentifierType.ORGNR, IdentifierType.SERIAL})

_SEPARATORS = {IdentifierType.EMAIL: re.compile(r"[\s,;<>|]+"), IdentifierType.PHONE: re.compile(r"[,;|]| / | eller ")}
_FOUND_IN_TEXT = frozenset(
    {IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.PERSONNUMMER, IdentifierType.ORGNR}
)
_NON_DIGIT = re.compile(r"\D")


def as_text(value: object) -> str:
    """A stored value as text: "" for nothing, "1" and "0" for truth, ISO 8601 for times, whole floats without ".0"."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(filter(None, map(as_text, value)))
        case dict():
            return json.dumps(value, ensure_ascii=False, default=str)
        case bytes() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case _:
            return str(value)


def holds(identifier: Identifier, texts: Sequence[str], *, free_text: bool) -> bool:
    """
    Whether *texts*, the values of one find entry in the order of its columns, hold *identifier*.

    Args: free_text: look for a mention inside running text rather than for the value itself. Several values of one
    column stand one per line.
    """
    if free_text:
        return any(_mentions(identifier, text) for text in texts if text)
    lines = [line for text in texts if "\n" in text for line in text.split("\n")]
    if identifier.type is IdentifierType.NAME:
        return any(_is_name(identifier.value, name) for name in (" ".join(texts), *lines))
    return any(_is_value(identifier, text) for text in (*texts, *lines) if text)


def _is_value(identifier: Identifier, text: str) -> bool:
    # Normalising costs tens of microseconds; looking for its pieces first keeps a full scan cheap.
    lowered = text.lower()
    if not all(piece in lowered for piece in narrowing(identifier)):
        return False
    if identifier.type is IdentifierType.PHONE and identifier.value[-7:] not in _NON_DIGIT.sub("", text):
        return False
    if identifier.type is IdentifierType.ADDRESS:
        return name_words(identifier.value) == name_words(text)[: len(name_words(identifier.value))]
    if normalise(identifier.type, text) == identifier:
        return True
    separators = _SEPARATORS.get(identifier.type)
    return separators is not None and any(
        normalise(identifier.type, part) == identifier for part in separators.split(text)
    )


def _is_name(wanted: str, stored: str) -> bool:
    """Every word of one stands in the other, one of them in full; "Anna" alone is not enough for "Anna Öberg"."""
    words, stored_words = name_words(wanted), name_words(stored)
    in_full = any(len(word) > 1 and word in stored_words for word in words)
    return in_full and len(stored_words) >= min(2, len(words)) and can_be_same_person(wanted, stored)


def _mentions(identifier: Identifier, text: str) -> bool:
    if identifier.type in _FOUND_IN_TEXT:
        return identifier in find_identifiers(text)
    words, wanted = name_words(text), name_words(identifier.value)
    orders = {wanted}
    if identifier.type is IdentifierType.NAME:  # "Lindqvist, Åsa" is filed under the family name
        orders |= {(*wanted[-1:], *wanted[:-1]), (*wanted[1:], *wanted[:1])}
    return bool(wanted) and any(words[at : at + len(wanted)] in orders for at in range(len(words) - len(wanted) + 1))


# ------------------------------------------------------------------------------------------ narrowing in a database


@lru_cache(maxsize=1000)
def narrowing(identifier: Identifier) -> tuple[str, ...]:
    """
    Pieces that stand, in this order, in every lower-case text that holds *identifier*.

    Whatever people put between digits is left out, and so are letters that databases fold differently (å, É, decomposed
    accents); words of names may carry accents anywhere, so these are not narrowed down at all, and addresses by their
    digits only.
    """
    return _NARROWERS[identifier.type](identifier.value)


def _runs(value: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", value.lower()))


def _email_pieces(value: str) -> tuple[str, ...]:
    local, _, domain = value.partition("@")
    # A domain outside ASCII may be stored as xn--…, which shares nothing with its Unicode form.
    return (*_runs(local), "@", *(_runs(domain) if domain.isascii() else ()))


def _characters(value: str) -> tuple[str, ...]:
    return tuple("".join(_runs(value)))


def _last_digits(count: int) -> Callable[[str], tuple[str, ...]]:
    return lambda value: tuple(_NON_DIGIT.sub("", value)[-count:])


def _house_number(value: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[0-9]+", value))


def _nothing(_: str) -> tuple[str, ...]:
    return ()


_NARROWERS: dict[IdentifierType, Callable[[str], tuple[str, ...]]] = {
    IdentifierType.EMAIL: _email_pieces,
    IdentifierType.PHONE: _last_digits(7),
    IdentifierType.PERSONNUMMER: _last_digits(10),
    IdentifierType.NATIONAL_ID: _runs,
    IdentifierType.ORGNR: _last_digits(10),
    IdentifierType.CUSTOMER_NO: _characters,
    IdentifierType.USERNAME: _runs,
    IdentifierType.NAME: _nothing,
    IdentifierType.ADDRESS: _house_number,
    IdentifierType.ORDER_NO: _characters,
    IdentifierType.SERIAL: _characters,
}
