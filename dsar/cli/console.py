"""
What the commands share: opening the app, printing sentences, tables and JSON lines, taming text from outside.

Nothing is told by colour alone: a sign or a word says it too, for pipes, screen readers and NO_COLOR.

Effects: opens what the settings name; prints.
"""

import json
import logging
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.locale import _, language

if TYPE_CHECKING:
    from dsar.wiring import Session


@contextmanager
def session(ctx: click.Context, *, for_anybody: bool = False, shows_only: bool = False) -> Iterator["Session"]:
    """
    The assembled program for the settings that --settings names.

    Args: for_anybody: the command shows nothing of a case and decides nothing, so that a timer may run it, too;
    shows_only: as of wiring.open_session.
    Raises: NotPermittedError for who is no member of staff; SettingsError and whatever opening may.
    """
    from dsar.cli import journal
    from dsar.wiring import open_session

    if ctx.info_name != "run":  # whose lines a machine reads
        journal.listen(journal.Words(), level=logging.WARNING)
    with open_session(ctx.obj, shows_only=shows_only) as opened:
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
    if text.isprintable():  # without any of these
        return text
    return "".join(
        letter for letter in text if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs"}
    )


#: A command between quotes, which is copied whole.
_COMMAND = re.compile(r"'dsar [^'\n]{1,70}'")


def say(template: str, /, **values: object) -> None:
    """Print a sentence in the reader's language, with *values*, tamed, in its {places}."""
    text = clean(_(template).format(**values))
    click.echo(wrap(text) if writes_to_terminal() else text)


def complain(template: str, /, **values: object) -> None:
    """say() on standard error."""
    click.echo(clean(_(template).format(**values)), err=True)


def ask(template: str, /, *, default: str | None = None, **values: object) -> str:
    """What somebody types as the answer to a question in their language; *default* on an empty line."""
    question = clean(_(template).format(**values))
    answer: str = click.prompt(question, default=default, show_default=bool(default))
    return answer.strip()


def width() -> int:
    """Columns of text: the terminal's, at most 80, so that a line stays readable."""
    return min(shutil.get_terminal_size().columns, 80)


def writes_to_terminal() -> bool:
    """Whether somebody reads at once what is printed, rather than a file or another program."""
    return sys.stdout.isatty()


def has_colour() -> bool:
    """Whether standard output is a terminal whose owner wants colour (no-color.org)."""
    return writes_to_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str | None, *, bold: bool = False) -> str:
    """*text* in *colour* where there is any; what it means stands in the words beside it."""
    return click.style(text, fg=colour, bold=bold) if has_colour() and (colour or bold) else text


def sign_of(days_left: int, due_within: int) -> tuple[str, str | None]:
    """How urgent something is: a sign that is read without colour, and the colour that repeats it."""
    if days_left < 0:
        return "!!", "red"
    return ("!", "yellow") if days_left <= due_within else ("", None)


def wrap(text: str, *, indent: str = "", hanging: str = "") -> str:
    """Text in lines that fit, each begun with *indent*, and by *hanging* but the first; its own line breaks stay."""
    room = max(width() - len(indent) - len(hanging), 20)
    whole = _COMMAND.sub(lambda found: found[0].replace(" ", "\0"), text)
    lines = [
        part.replace("\0", " ")
        for line in whole.splitlines()
        for part in textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    return "\n".join(f"{indent}{hanging if at else ''}{line}".rstrip() for at, line in enumerate(lines))


def print_heading(title: str) -> None:
    """The head of a part of a screen."""
    click.echo()
    click.echo(paint(f"-- {_(title)} ".ljust(width(), "-"), None, bold=True))


@contextmanager
def progress(template: str) -> Iterator[Callable[[int, int | None], None]]:
    """
    Tell on standard error how far a long work is, if that is a terminal which can take a line back; gone at its end.

    Yields: what is called with how much is done, and of how much; None: nobody knows.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _done, _total: None
        return

    def tell_it(done: int, total: int | None) -> None:
        bar = f" [{'#' * (20 * done // total):<20}]" if total else ""
        count = f"{done}/{total}" if total else str(done)
        click.echo(f"{_TAKE_BACK}{_(template)}{bar} {count}", nl=False, err=True)

    try:
        yield tell_it
    finally:
        click.echo(_TAKE_BACK, nl=False, err=True)


#: To the beginning of the line, and nothing on it.
_TAKE_BACK = "\r\x1b[K"


def run_due(opened: "Session") -> int:
    """Do every step that is due, and tell how many; how many were tried."""
    with progress("Working") as told:
        return opened.run_due(lambda tried: told(tried, None))


def written_day(day: date) -> str:
    """A date as people say it: Wednesday 23 December 2026, onsdag 23 december 2026."""
    from babel.dates import format_date

    return format_date(day, "EEEE d MMMM y", locale=language())


def save_private(folder: Path, name: str, content: bytes) -> Path:
    """Write a file with personal data for nobody but the caller, and say where; of *name* only the last part counts."""
    from dsar.staff import create_named_file

    return create_named_file(folder, name, content, os.environ)


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


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, are_names: bool = False) -> None:
    """
    A table for reading: drawn on a terminal; plain columns in a pipe, and where there is no colour (a screen reader).

    Cells are text, never markup. Args: are_names: the headings are names that are typed, the same in every language.
    """
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    headings = list(headings) if are_names else [_(heading) for heading in headings]
    if sys.stdout.isatty():
        _print_drawn(headings, cells)
        return
    widths = [max(len(row[column]) for row in [headings, *cells]) for column in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headings, *cells]
    ]
    click.echo("\n".join(lines))


def _print_drawn(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    is_drawn = has_colour()
    table = Table(box=SIMPLE if is_drawn else None, header_style="bold" if is_drawn else "", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


#: Language -> columns of the names of fields.
_LABEL_WIDTHS = {"en": 12, "sv": 15}


def print_field(name: str, value: str, *, colour: str | None = None, wrapped: bool | None = None) -> None:
    """
    One named line of a case.

    Args: name: told in the reader's language; wrapped: in lines that fit; None: where somebody reads at once.
    """
    label, text = f"{_(name) + ':':<{_LABEL_WIDTHS[language()]}} ", clean(value)
    if wrapped or (wrapped is None and writes_to_terminal()):
        text = wrap(text, indent=" " * len(label)).lstrip(" ")
    click.echo(f"{label}{paint(text, colour)}")
