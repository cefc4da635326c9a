"""
A spreadsheet, a CSV file or contact cards that a stranger may have made -> their cells or properties, read in a child
process.

Effects: starts a process of its own for each file, or for many cards. What a few bytes of a workbook unfold to, or a
card makes its parser do, ends that process and never the worker, which would be started again and meet the same mail.
As where mails are read, the child has none of our environment, writes no files, and what it says is JSON that is
checked.

    request   the kind and the ending of the name as arguments, the file as standard input
    answer    JSON as standard output, if it ended with 0; of address-book cards a line for each that was looked at
"""

import base64
import csv
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter, ValidationError
from python_calamine import CalamineError

from connectors.cards import Card, Properties, read_card, read_cards
from connectors.tables import Sheet, sheets_of

#: What reading one file may take; far beyond what a colleague's list takes.
_CPU_SECONDS, _WALL_SECONDS, _MEMORY_BYTES = 20, 60, 1 << 30
#: More than a person will ever look through; the worker keeps several times as much in memory.
_MOST_BYTES, _MOST_ROWS = 20_000_000, 50_000
#: So many cards of an address book are given to one child, which takes seconds for them.
_CARDS_AT_ONCE = 2_000
#: After so many cards that end their reader the rest of the book counts as unread, or a search would take hours.
_MOST_LOST = 5

_Value = TypeVar("_Value")

_UNREADABLE = (OSError, ValueError, KeyError, MemoryError, csv.Error, CalamineError, zipfile.BadZipFile)
_SHEETS, _CARDS = TypeAdapter(list[Sheet]), TypeAdapter(list[Card])
_PROPERTIES = TypeAdapter(Properties | None)


def sheets_in(ending: str, content: bytes) -> list[Sheet]:
    """As connectors.tables.sheets_of. Raises: ValueError if it cannot be read, or not within the limits."""
    return _checked(_SHEETS, _read("sheets", ending, content))


def cards_in(content: bytes) -> list[Card]:
    """As connectors.cards.read_cards. Raises: ValueError if it cannot be read, or not within the limits."""
    return _checked(_CARDS, _read("cards", ".vcf", content))


def each_card_in(contents: Sequence[bytes]) -> list[Properties | None]:
    """As connectors.cards.read_card of each; None for one that cannot be read, or not within the limits."""
    found: list[Properties | None] = []
    lost = 0
    while len(found) < len(contents) and lost < _MOST_LOST:
        asked = contents[len(found) : len(found) + _CARDS_AT_ONCE]
        lines = _read_until_it_ends(json.dumps([base64.b64encode(each).decode() for each in asked]).encode())
        found += [_checked(_PROPERTIES, line) for line in lines[: len(asked)]]
        if len(lines) < len(asked):
            found.append(None)  # the child ended at this one
            lost += 1
    return [*found, *[None] * (len(contents) - len(found))]


def _read_until_it_ends(content: bytes) -> list[bytes]:
    """Whole lines of what the child says about cards, whatever became of it."""
    try:
        said = _run("each_card", ".vcf", content).stdout
    except subprocess.SubprocessError as error:
        said = getattr(error, "stdout", None) or b""
    return said.split(b"\n")[:-1]


def _read(kind: str, ending: str, content: bytes) -> bytes:
    try:
        return _run(kind, ending, content).stdout
    except subprocess.SubprocessError:
        raise ValueError("it cannot be read within the limits") from None


def _run(kind: str, ending: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-P", "-B", "-m", "connectors.confined", kind, ending],
        input=content,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what a parser complains about quotes the file (P9)
        timeout=_WALL_SECONDS,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "LC_ALL": "C.UTF-8"},
        start_new_session=True,
        check=True,
    )


def _checked(kind: TypeAdapter[_Value], answer: bytes) -> _Value:
    try:
        return kind.validate_json(answer)
    except ValidationError:
        raise ValueError("the reader's answer makes no sense") from None


def _serve(kind: str, ending: str) -> int:
    content = sys.stdin.buffer.read()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # a parser that prints must not speak for us
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    if kind == "each_card":
        return _each_card(content, answers)
    try:
        answer = _cards(content) if kind == "cards" else _sheets(ending, content)
    except _UNREADABLE:
        return 1
    if len(answer) > _MOST_BYTES:
        return 1
    answers.write(answer)
    answers.flush()
    return 0


def _sheets(ending: str, content: bytes) -> bytes:
    sheets = list(sheets_of(ending, content))
    if sum(len(sheet.cells) for sheet in sheets) > _MOST_ROWS:
        raise ValueError("too many rows")
    return _SHEETS.dump_json(sheets)


def _cards(content: bytes) -> bytes:
    cards = read_cards(content)
    if len(cards) > _MOST_ROWS:
        raise ValueError("too many cards")
    return _CARDS.dump_json(cards)


def _each_card(content: bytes, answers: BinaryIO) -> int:
    for packed in json.loads(content):
        try:
            properties: Properties | None = read_card(base64.b64decode(packed))
        except _UNREADABLE:
            properties = None
        answers.write(_PROPERTIES.dump_json(properties) + b"\n")
        answers.flush()  # before the next one can end the process
    return 0


if __name__ == "__main__":
    sys.exit(_serve(*sys.argv[1:]))
