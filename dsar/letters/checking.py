"""
A folder of an installation's own templates -> everything that is wrong with them, each with file and line.

Effects: reads template files; tries them without one another in temporary folders.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import fields
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from dsar.errors import LetterError
from dsar.letters import compose, compose_export
from dsar.letters.arranged import names
from dsar.letters.environment import Templates
from dsar.letters.rules import ACCESS_EXPORT, RULES
from dsar.letters.samples import sample_facts
from dsar.model import Controller, LetterFacts, LetterKind

#: What Jinja, the record of how a case was handled and the parts of a big answer bring along.
_FURTHER = frozenset({"loop", "range", "record", "words", "number", "count", "files"})
_LANGUAGES = ("sv", "en")


def faults(folder: Path, *, controller: Controller) -> list[str]:
    """
    What is wrong with the templates of *folder*, as "sv/refusal.md.j2:7: what"; empty if nothing is.

    Each is compiled and its names are looked up; then every letter is written with sample facts, so that a mandatory
    block that was dropped or reworded is found, too.
    """
    own = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md.j2"))
    found = [fault for name in own for fault in _in_file(folder, name)]
    return found or list(_in_letters(folder, controller))


def _in_file(folder: Path, name: str) -> Iterator[str]:
    shipped = Templates("en").all()
    if name not in shipped and not name.rpartition("/")[2].startswith("_"):
        yield f"{name}:1: no letter has this name"
    try:
        tree = Templates("en", folder).tree(name)
    except UnicodeDecodeError:
        yield f"{name}:1: it is not UTF-8"
        return
    except TemplateSyntaxError as error:
        yield f"{name}:{error.lineno}: {error.message}"
        return
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    unknown = meta.find_undeclared_variables(tree) - own - _known() - _FURTHER
    seen: set[str] = set()
    for node in tree.find_all(nodes.Name):
        if node.name in unknown and node.name not in seen:
            seen.add(node.name)
            yield f"{name}:{node.lineno}: there is no fact {node.name!r}"


def _known() -> set[str]:
    given = {field.name for field in fields(LetterFacts)}
    controller = Controller(name="", orgnr="", address="", postcode_city="", country="", email="")
    return given | set(names(sample_facts(LetterKind.ACCESS_ANSWER, "sv", controller=controller)))


def _in_letters(folder: Path, controller: Controller) -> Iterator[str]:
    own = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.md.j2"))
    told: set[str] = set()
    for language in _LANGUAGES:
        for name in RULES:
            facts = sample_facts(name, language, controller=controller)
            why = _fault(name, language, facts, folder)
            if why is None:
                continue
            at = _culprit([each for each in own if each.startswith(f"{language}/")], name, language, facts, folder)
            fault = f"{at}:{_line(folder / at, at, why)}: {why}"
            if fault not in told:  # a block that several letters hold is wrong in one place
                told.add(fault)
                yield fault


def _fault(name: str, language: str, facts: LetterFacts, folder: Path) -> str | None:
    """What is wrong with a letter as *folder* has it, without the name of its template; None if nothing is."""
    try:
        if name == ACCESS_EXPORT:
            compose_export(language, facts, templates=folder)
        else:
            compose(LetterKind(name), language, facts, templates=folder)
    except LetterError as error:
        return error.why
    return None


def _culprit(own: Sequence[str], name: str, language: str, facts: LetterFacts, folder: Path) -> str:
    """
    Which of the *own* files makes the letter wrong: the one without which it is right.

    Where no single one is, the letter's own template, or else the first.
    """
    for each in own:
        with TemporaryDirectory() as place:
            shutil.copytree(folder, place, dirs_exist_ok=True)
            (Path(place) / each).unlink()
            if _fault(name, language, facts, Path(place)) is None:
                return each
    itself = f"{language}/{name}.md.j2"
    return itself if itself in own or not own else own[0]


def _line(file: Path, name: str, why: str) -> int:
    """
    Where in an own file the fault is, from 1: where the shipped one says what is missing, else where they first differ.
    """
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    shipped = Templates("en").source(name).splitlines() if name in Templates("en").all() else []
    missing = re.search(r"the (block|fact) '(\w+)'", why)
    wanted = (f"_{missing[2]}.md.j2" if missing[1] == "block" else missing[2]) if missing else ""
    place = next((number for number, line in enumerate(shipped) if wanted and wanted in line), None)
    for tag, first, last, start, _ in SequenceMatcher(None, shipped, lines, autojunk=False).get_opcodes():
        if tag != "equal" and (place is None or first <= place < last):
            return max(1, min(start + 1, len(lines)))
    return 1
