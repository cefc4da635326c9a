"""
(TOML text, faults at places in it) -> SettingsError with every fault as "file:line: key: what is wrong".

Effects: reads the named file.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from dsar.declaration.mending import mended, speaks_of_mending
from dsar.errors import SettingsError

_Parsed = TypeVar("_Parsed", bound=BaseModel)

#: Keys and list positions that lead to one value of the TOML.
Place = tuple[str | int, ...]


def read(path: Path) -> str:
    """Text of the file *path*. Raises: SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}:1: the file cannot be read ({type(error).__name__})"]) from error


def parse(
    text: str, source: str, model: type[_Parsed], contradictions: Callable[[_Parsed], Iterable[tuple[Place, str]]]
) -> _Parsed:
    """
    TOML *text* from the file *source* as *model*.

    Raises: SettingsError with every fault at once: what is wrong by itself, and what contradicts something else.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise SettingsError([f"{source}:{line[1] if line else 1}: not TOML: {error}"]) from error
    faults: list[tuple[Place, str]] = []
    parsed: _Parsed | None
    try:
        parsed = model.model_validate(document)
    except ValidationError as error:
        faults = [(each["loc"], each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        parsed = mended(document, model, error)
    if parsed is not None:
        faults += [(place, fault) for place, fault in contradictions(parsed) if not speaks_of_mending(fault)]
    if faults or parsed is None:
        raise SettingsError(_with_lines(text, source, faults))
    return parsed


def _with_lines(text: str, source: str, faults: list[tuple[Place, str]]) -> list[str]:
    lines = _line_numbers(text)
    found = []
    for loc, fault in faults:
        place = tuple(part for part in loc if not str(part).startswith("<"))
        line = next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "file"
        found.append((line, f"{source}:{line}: {key}: {fault}"))
    return [message for _, message in sorted(set(found))]


_TABLE_LINE = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY_LINE = re.compile(r"""\s*["']?([\w-]+)["']?\s*(?:\.[^=]*)?=""")
_ITEM_LINE = re.compile(r"\s*\{")


def _line_numbers(text: str) -> dict[Place, int]:
    """Where each table, key and one-line list item of TOML *text* stands, as far as the layout shows it."""
    numbers: dict[Place, int] = {}
    tables: dict[Place, int] = {}  # path of an array of tables -> how many were seen
    here: Place = ()
    key: Place = ()
    items = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE_LINE.match(line):
            here = _table_place(table[2].split("."), tables, repeated=table[1] == "[[")
            numbers[here], key = number, here
        elif found := _KEY_LINE.match(line):
            key, items = (*here, found[1]), 0
            numbers.setdefault(key, number)
        elif _ITEM_LINE.match(line):
            numbers[(*key, items)] = number
            items += 1
    return numbers


def _table_place(parts: list[str], tables: dict[Place, int], *, repeated: bool) -> Place:
    place: Place = ()
    for at, part in enumerate(parts):
        place = (*place, part.strip().strip("\"'"))
        if repeated and at == len(parts) - 1:
            tables[place] = tables.get(place, 0) + 1
        if place in tables:
            place = (*place, tables[place] - 1)
    return place
