"""
A folder of an installation's own templates -> everything that is wrong with them, each with file and line.

Effects: reads template files.
"""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

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
    for language in _LANGUAGES:
        for name in RULES:
            facts = sample_facts(name, language, controller=controller)
            try:
                if name == ACCESS_EXPORT:
                    compose_export(language, facts, templates=folder)
                else:
                    compose(LetterKind(name), language, facts, templates=folder)
            except LetterError as error:
                yield f"{language}/{name}.md.j2:1: {error}"
