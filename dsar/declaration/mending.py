"""
(document with faults, the faults) -> a document without them, so that the rest of it can be checked in the same run.

Effects: none. What is put in place of a fault is never used for anything but that check.
"""

import copy
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

_Parsed = TypeVar("_Parsed", bound=BaseModel)

#: Mending one fault may bring another to light, but not for ever.
_ROUNDS = 6
_MARK = "<missing>"
_TEXT = {"sv": _MARK, "en": _MARK}
#: Required key -> what stands in for it.
_STAND_INS: dict[str, Any] = {
    "activities": [_MARK],
    "by": "email",
    "category": "technical",
    "column": _MARK,
    "columns": [_MARK],
    "fields": [{"column": _MARK, "label": _TEXT, "category": "technical"}],
    "id": _MARK,
    "kind": _MARK,
    "label": _TEXT,
    "law": _TEXT,
    "name": _MARK,
    "ours": _MARK,
    "recipients": [],
    "their": _MARK,
    "value": _MARK,
}


def mended(document: dict[str, Any], model: type[_Parsed], error: ValidationError) -> _Parsed | None:
    """*document* as *model* with a stand-in or nothing in place of each fault; None if that does not help."""
    document = copy.deepcopy(document)
    for _ in range(_ROUNDS):
        for each in error.errors():
            _mend(document, [part for part in each["loc"] if not str(part).startswith("<")], each["type"])
        try:
            return model.model_validate(document)
        except ValidationError as next_error:
            error = next_error
    return None


def speaks_of_mending(fault: str) -> bool:
    """Whether *fault* is about a stand-in, so that the person who reads it could not find what it means."""
    return _MARK in fault


def _mend(document: dict[str, Any], loc: list[int | str], kind: str) -> None:
    # An item of a list is not taken out, for then the others would have other numbers.
    while loc and isinstance(loc[-1], int):
        loc = loc[:-1]
    if not loc:
        return
    above, key = _at(document, loc[:-1]), str(loc[-1])
    if not isinstance(above, dict):
        return
    if key in _STAND_INS and kind != "extra_forbidden":
        above[key] = copy.deepcopy(_STAND_INS[key])
    elif key in above:
        del above[key]
    else:
        _mend(document, loc[:-1], "extra_forbidden")


def _at(document: Any, loc: list[int | str]) -> Any:  # noqa: ANN401  # TOML
    for part in loc:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document
