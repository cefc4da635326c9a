"""
(declared request, values) -> path, query and body with every value in its slot, encoded for where it stands.

Effects: none. This is the only door through which text of a requester enters a request (promise P10): a path slot is
one percent-encoded segment, a query or form slot one encoded parameter, a slot in JSON part of one string. Headers have
none.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import JsonValue

from dsar.declaration import SLOT, Packed

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


class UnfitValueError(ValueError):
    """A value cannot stand in its slot, whatever the encoding."""


def _digits(value: str) -> str:
    return re.sub(r"\D", "", value)


def _national(value: str) -> str:
    return f"0{value[3:]}" if value.startswith("+46") else value


def _short(value: str) -> str:
    """A personnummer in ten digits, as older systems store it."""
    digits = _digits(value)
    return f"{digits[2:8]}-{digits[8:]}" if len(digits) == 12 else value


def _long(value: str) -> str:
    """A personnummer in twelve digits with its hyphen."""
    digits = _digits(value)
    return f"{digits[:8]}-{digits[8:]}" if len(digits) == 12 else value


def _spelled(value: str) -> str:
    """The digits that every spelling of a phone number or a personnummer has."""
    digits = _digits(value)
    return digits[-10:] if len(digits) == 12 else digits[-9:]


#: Form of a slot -> the value as a query language wants it; what encodes it for its place comes on top.
_FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "quoted": lambda value: re.sub(r"([\\'\"])", r"\\\1", value),
    "like": lambda value: re.sub(r"([\\%_])", r"\\\1", value),
    "regex": re.escape,
    "digits": _digits,
    "last9": lambda value: _digits(value)[-9:],
    "national": _national,
    "spread": lambda value: "%".join(_spelled(value)),
    "starred": lambda value: "*".join(_spelled(value)),
    "apart": lambda value: r"\D*".join(_spelled(value)),
    "short": _short,
    "long": _long,
}


def in_form(form: str, value: str) -> str:
    """*value* in one of the forms that a declaration may ask for."""
    return _FORMS[form](value)


def in_text(template: str, values: Mapping[str, str]) -> str:
    """*template* with its slots filled. Raises: UnfitValueError for control characters."""

    def fill(match: re.Match[str]) -> str:
        value = values[match["what"]]
        if _CONTROL.search(value):
            raise UnfitValueError
        return _FORMS[match["form"] or "plain"](value)

    return SLOT.sub(fill, template)


def in_path(template: str, values: Mapping[str, str]) -> str:
    """*template* with each slot as one percent-encoded segment. Raises: UnfitValueError for "", "." and ".."."""

    def fill(match: re.Match[str]) -> str:
        value = in_text(match[0], values)
        # RFC 3986 section 5.2.4: dot segments are resolved away even where they are percent-encoded.
        if value in {"", ".", ".."}:
            raise UnfitValueError
        return quote(value, safe="")

    return SLOT.sub(fill, template)


def in_json(template: JsonValue, values: Mapping[str, str]) -> Any:  # noqa: ANN401  # JSON
    match template:
        case str():
            return in_text(template, values)
        case list():
            return [in_json(each, values) for each in template]
        case dict():
            return {key: in_json(each, values) for key, each in template.items()}
        case _:
            return template


def in_query(template: str | Sequence[str] | Packed, values: Mapping[str, str]) -> str | list[str]:
    if isinstance(template, str):
        return in_text(template, values)
    if not isinstance(template, Packed):
        return [in_text(each, values) for each in template]
    packed = json.dumps(in_json(template.pack, values), ensure_ascii=False, separators=(",", ":"))
    if template.encode == "base64url":
        # RFC 4648 section 3.2: padded unless the API says otherwise, and Tryton refuses it bare.
        return base64.urlsafe_b64encode(packed.encode()).decode()
    return packed


def put(body: Any, place: str, value: object) -> None:  # noqa: ANN401  # JSON
    """Set *value* at the dotted *place* of *body*, making objects on the way."""
    *above, last = place.split(".")
    for key in above:
        body = body.setdefault(key, {})
    body[last] = value
