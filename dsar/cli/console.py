"""
What the commands share: opening the app, printing tables and JSON lines, taming text from outside.

Effects: opens what the settings name; prints.
"""

import json
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dsar.wiring import Session


@contextmanager
def session(ctx: click.Context, *, for_anybody: bool = False) -> Iterator["Session"]:
    """
    The assembled program for the settings that --settings names.

    Args: for_anybody: the command shows nothing of a case and decides nothing, so that a timer may run it, too.
    Raises: NotPermittedError for who is no member of staff; SettingsError and whatever opening may.
    """
    from dsar.cli import journal
    from dsar.wiring import open_session

    if ctx.info_name != "run":  # whose lines a machine reads
        journal.listen(journal.Words(), level=logging.WARNING)
    with open_session(ctx.obj) as opened:
        if not for_anybody:
            opened.actor()
        yield opened


def now() -> datetime:
    """The present; commands read it once and hand it on."""
    return datetime.now(UTC)


def clean(text: str) -> str:
    """
    Text from outside, fit for a terminal: without control, escape and direction characters (promise P10).

    Newlines and tabs stay.
    """
    return "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}
    )


def save_private(folder: Path, name: str, content: bytes) -> Path:
    """Write a file with personal data for nobody but the caller, and say where; of *name* only the last part counts."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / Path(name).name
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
    return place


def print_json(value: object) -> None:
    """One JSON line on stdout."""
    click.echo(json_text(value))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON of plain values, dataclasses, dates and times."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """
    A table for reading: drawn on a terminal, plain columns in a pipe and for a screen reader.

    Cells are text, never markup.
    """
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_drawn(headings, cells)
        return
    widths = [max(len(row[column]) for row in [headings, *cells]) for column in range(len(headings))]
    for row in [list(headings), *cells]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_drawn(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def print_field(name: str, value: str) -> None:
    """One named line of a case."""
    click.echo(f"{name + ':':<12} {clean(value)}")
