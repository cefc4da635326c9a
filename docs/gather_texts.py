"""
Texts that staff read -> dsar/locale/sv/LC_MESSAGES/dsar.po, brought up to date, and the .mo that is shipped.

    python docs/gather_texts.py          # make translations: tells which texts have no translation yet; exit 1 if any

Texts are the arguments of the functions in SPOKEN, the help of commands and options, the names of states and the like,
and what click says itself. Translations that are there are kept; what nobody says any more is dropped. Who installs and
runs dsar does so in English, as the documentation and the settings are: see ADMINISTRATION.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import click
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from dsar import deadlines, lifecycle, locale, model
from dsar.approval import Role
from dsar.casework import protecting, views
from dsar.cli import COMMANDS, clock, main, words
from dsar.triage.dispositions import DISPOSITIONS
from dsar.triage.rights import RULES

ROOT = Path(__file__).parents[1]
PO = locale.FOLDER / "sv" / "LC_MESSAGES" / f"{locale.DOMAIN}.po"
MO = PO.with_suffix(".mo")

#: Function -> how many of its first arguments are texts.
SPOKEN = {
    "_": 1,
    "said": 1,
    "say": 1,
    "complain": 1,
    "ask": 1,
    "_choose": 1,
    "_is_sure": 1,
    "progress": 1,
    "print_heading": 1,
    "print_field": 1,
    "_field": 1,
    "ngettext": 2,
}

#: Commands of who installs and runs dsar: of these only the line in `dsar --help` is translated.
ADMINISTRATION = frozenset(
    {"init", "check", "demo", "poll", "run", "work", "system", "db", "audit", "purge", "backup", "replay"}
)

#: Where staff's errors are raised; those of settings, declarations and connections are the administrator's.
_ERRORS_OF_STAFF = ("dsar/casework", "dsar/cli", "dsar/errors.py", "dsar/approval.py", "dsar/staff.py")

#: Modules of those commands.
MODULES_OF_ADMINISTRATION = frozenset(
    {"setup", "doctor", "demo", "running", "systems", "audit", "purge", "backup", "moving", "replay"}
)

#: Name of what is assigned, or of a keyword argument, that holds a text.
SENTENCES = frozenset({"sentence", "does"})

#: Names of things that are told as they are.
_NAMES: tuple[type[StrEnum], ...] = (
    lifecycle.State,
    lifecycle.Outcome,
    model.SystemOutcome,
    model.StepAction,
    model.Requester,
    model.Strength,
    model.SenderAuthentication,
    model.Disposition,
    Role,
)

#: What click tells who types a command; the rest of it is for programmers.
_CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
_FOR_PROGRAMMERS = re.compile(
    r"declaration|declare an argument|start character|DeprecationWarning|cannot use the same flag|defined twice"
    r"|iterable|colou?r|UUID"
    r"|Confirm the action|Repeat for|Press any key|do not match|len_type|^Choice\("
)

#: Dates that the formats want; the same texts make the same bytes.
_ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)

Text = tuple[str, ...]  #: A text, or its forms for one and for many.


def texts() -> dict[Text, str]:
    """Every text that staff read, with one place where it stands."""
    found: dict[Text, str] = {}
    for name in _CLICK:
        spec = find_spec(f"click.{name}")
        if spec is not None and spec.origin is not None:
            told = _spoken_in(Path(spec.origin), {"_": 1, "ngettext": 2})
            found |= dict.fromkeys((text for text in told if not _FOR_PROGRAMMERS.search(text[0])), f"click/{name}.py")
    for path in sorted((ROOT / "dsar").rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place.startswith("dsar/cli/") and path.stem in MODULES_OF_ADMINISTRATION:
            continue
        for text in _spoken_in(path, SPOKEN, errors=place.startswith(_ERRORS_OF_STAFF)):
            found.setdefault(text, place)
    for each, place in [*_helped("dsar", main), *_named()]:
        found.setdefault((each,), place)
    return {text: place for text, place in found.items() if text[0]}


def _spoken_in(path: Path, spoken: dict[str, int], *, errors: bool = False) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            count = spoken.get(name, 0)
            if count == 2 and len(node.args) >= 2:
                one, many = (next(_constants(each), "") for each in node.args[:2])
                yield one, many
            elif count == 1 and node.args:
                yield from ((each,) for each in _constants(node.args[0]))
            elif errors and name.endswith("Error"):
                yield from ((each,) for arg in node.args for each in _constants(arg) if " " in each)
            elif name == "print_table" and node.args and isinstance(node.args[0], ast.Tuple):
                yield from ((each,) for part in node.args[0].elts for each in _constants(part))
            yield from ((each,) for kw in node.keywords if kw.arg in SENTENCES for each in _constants(kw.value))
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in SENTENCES:
            yield from ((each,) for each in _constants(node.value))


def _constants(node: ast.expr) -> Iterator[str]:
    """The text of a literal, and of both sides of a choice between two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def _helped(name: str, command: click.Command) -> Iterator[tuple[str, str]]:
    """The help of a command, of its options, and of the commands below it."""
    yield inspect.cleandoc(command.help or ""), name
    for param in command.params:
        if isinstance(param, click.Option) and param.help:
            yield param.help, f"{name} {param.opts[0]}"
    if command is main:
        context = click.Context(main)
        for each, entry in COMMANDS.items():
            yield entry.help, name
            below = main.get_command(context, each)
            if below is not None and each not in ADMINISTRATION:
                yield from _helped(f"{name} {each}", below)
    elif isinstance(command, click.Group):
        for each, below in command.commands.items():
            yield from _helped(f"{name} {each}", below)


def _named() -> Iterator[tuple[str, str]]:
    for kind in _NAMES:
        for value in kind:
            yield value.value, kind.__name__
    yield from ((text, "words.py") for table in words.TABLES for text in table.values())
    yield from ((rule.name, "rights.py") for rule in RULES)
    yield from ((rule.reason, "dispositions.py") for rule in DISPOSITIONS)
    yield from ((name, "words.py") for name in (*words.NAMES, *words.DOUBTS))
    yield from ((text, "waiting.py") for text in views.WAITED_FOR)
    yield protecting.FORWARDING, "protecting.py"
    yield from ((label, "cli/clock.py") for _key, label, _field, _of_extension in clock.ROWS)
    yield from ((text, "deadlines.py") for text in deadlines.WEEKDAYS)


def catalogue(old: Catalog | None = None) -> Catalog:
    """The catalogue of today's texts, with the translations of *old*."""
    made = Catalog(
        creation_date=_ALWAYS,
        revision_date=_ALWAYS,
        locale="sv",
        project="dsar",
        fuzzy=False,
        header_comment="# What dsar tells its staff, in Swedish.",
    )
    for text, place in sorted(texts().items()):
        known = old.get(text[0]) if old else None
        translated = known.string if known else ""
        flags = {"python-brace-format"} if "{" in text[0] else set()
        made.add(text if len(text) > 1 else text[0], translated, locations=[(place, 0)], flags=flags)
    return made


def missing(made: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(each.id) for each in made if each.id and not all(_forms(each.string))]


def _forms(translated: object) -> Sequence[str]:
    """A translation, or its forms for one and for many."""
    return translated if isinstance(translated, list | tuple) else [str(translated or "")]


def compiled(made: Catalog) -> bytes:
    """The .mo of a catalogue."""
    out = BytesIO()
    write_mo(out, made)
    return out.getvalue()


def stored() -> Catalog | None:
    """The catalogue that is kept."""
    if not PO.exists():
        return None
    with PO.open("rb") as file:
        return read_po(file, locale="sv")


def written(made: Catalog) -> bytes:
    """The .po of a catalogue, without what changes by itself: dates, and numbers of lines."""
    out = BytesIO()
    write_po(out, made, width=118, omit_header=False, no_location=True, sort_output=True)
    lines = out.getvalue().decode("utf-8").splitlines(keepends=True)
    drop = (
        '"POT-Creation-Date',
        '"PO-Revision-Date',
        '"Generated-By',
        '"Report-Msgid',
        '"Last-Translator',
        '"Language-Team',
    )
    return "".join(line for line in lines if not line.startswith(drop)).encode("utf-8")


def bring_up_to_date() -> list[str]:
    """Write .po and .mo; the texts that have no translation."""
    made = catalogue(stored())
    PO.write_bytes(written(made))
    MO.write_bytes(compiled(made))
    return missing(made)


if __name__ == "__main__":
    lacking = bring_up_to_date()
    for each in lacking:
        print(f"no translation: {each!r}", file=sys.stderr)  # noqa: T201  # a script
    sys.exit(bool(lacking))
