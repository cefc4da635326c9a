"""
(declaration, record, change of a name or an address) -> changes of the columns in which the system holds its parts.

Effects: none. A street in one column and its postcode in another are changed together or not at all.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from dsar.declaration import DeclaredObject
from dsar.identifiers import normalise
from dsar.model import IdentifierType, Record, RequestedChange
from dsar.names import fold, name_words

_COMPARED_AS = {"email": IdentifierType.EMAIL, "phone": IdentifierType.PHONE}

#: Street, postcode and city as people write them on one line or three.
_ADDRESS = re.compile(r"(?P<street>.*?)[\s,]*(?:SE[-\s]?)?(?P<postcode>\d{3} ?\d{2})[\s,]+(?P<city>\D+)", re.DOTALL)


def of(declared: DeclaredObject, record: Record, change: RequestedChange) -> list[RequestedChange]:
    """
    *change* itself, or the changes of its parts where the object declares columns for them.

    None at all where the record holds no such thing, or something else than the old value, or where the new one cannot
    be taken apart: that is a person's to do.
    """
    take_apart, names = _PARTS.get(change.field, (_none, ()))
    mine = [name for name in names if name in declared.update]
    if not mine:
        return [change]
    new, old = take_apart(change.new or ""), take_apart(change.old or "")
    if not set(mine) <= set(new):
        return []
    held = {name: _stored(record, declared.update[name]) for name in mine}
    if not any(held.values()):
        return []
    if any(comparable(name, held[name]) != comparable(name, text) for name, text in old.items() if name in held):
        return []
    different = [name for name in mine if comparable(name, held[name]) != comparable(name, new[name])]
    return [replace(change, field=name, old=None, new=new[name]) for name in different]


def comparable(field: str, text: str) -> object:
    """*text* so that two spellings of the same value of a field are equal."""
    type_ = _COMPARED_AS.get(field)
    if field == "name":  # "Öberg, Anna" is Anna Öberg
        return sorted(name_words(text))
    between = "" if field.startswith("postcode") else " "
    return (normalise(type_, text) if type_ else None) or between.join(fold(text).split())


def _stored(record: Record, column: str) -> str:
    return next((value.value for value in record.values if value.path == column), "")


def _none(_text: str) -> Mapping[str, str]:
    return {}


def _name(text: str) -> Mapping[str, str]:
    """The last word is the surname; one word alone is nothing but that."""
    *first, last = text.split() or [""]
    found = {"first_name": " ".join(first), "last_name": last}
    return {name: part for name, part in found.items() if part}


def _address(text: str) -> Mapping[str, str]:
    match = _ADDRESS.fullmatch(" ".join(text.split()))
    if match is None:
        return {"street": text.strip()} if text.strip() else {}
    found = {name: part.strip(" ,") for name, part in match.groupdict().items()}
    return {**found, "postcode_city": f"{found['postcode']} {found['city']}"}


_PARTS: dict[str, tuple[Callable[[str], Mapping[str, str]], tuple[str, ...]]] = {
    "name": (_name, ("first_name", "last_name")),
    "address": (_address, ("street", "postcode", "city", "postcode_city")),
}
