"""
TOML -> Declaration of a connected system, and TOML -> the register of processing activities.

Effects: reads the named file. Both are strict: an unknown key, a missing label or a rule that contradicts another is a
fault, and all faults are reported at once as "file:line: key: what is wrong". A fact that nobody has given yet is
written `{unknown = "who must answer"}`; it is no fault here but blocks the answers that use it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from dsar.declaration.erasing import FileResidue, Located, Residue
from dsar.declaration.lines import parse, read
from dsar.declaration.register import load_register
from dsar.declaration.rules import contradictions
from dsar.declaration.system import (
    Declaration,
    DeclaredDocument,
    DeclaredField,
    DeclaredObject,
    Find,
    bookkeeping_until,
)
from dsar.declaration.web import SLOT, Auth, Http, Inside, Job, Packed, Paging, Rate, WebRequest, Writes
from dsar.model import Activity

__all__ = [
    "SLOT",
    "Auth",
    "Declaration",
    "DeclaredDocument",
    "DeclaredField",
    "DeclaredObject",
    "FileResidue",
    "Find",
    "Http",
    "Inside",
    "Job",
    "Located",
    "Packed",
    "Paging",
    "Rate",
    "Residue",
    "WebRequest",
    "Writes",
    "bookkeeping_until",
    "load_declaration",
    "load_register",
    "not_told_of_changes",
    "parse_declaration",
    "unregistered_activities",
]


def load_declaration(path: Path) -> Declaration:
    """
    The declaration in the TOML file *path*.

    Raises: SettingsError with every fault as "file:line: key: what is wrong".
    """
    return parse_declaration(read(path), source=str(path))


def parse_declaration(text: str, *, source: str) -> Declaration:
    """The declaration in TOML *text*; *source* names it in faults. Raises: SettingsError."""
    return parse(text, source, Declaration, contradictions)


def not_told_of_changes(declarations: Iterable[Declaration], register: Mapping[str, Activity]) -> tuple[str, ...]:
    """Names of recipients of whom nobody has said whether and where they are told of a change (Art. 19), sorted."""
    named = [one for each in declarations for one in each.recipients]
    named += [one for activity in register.values() for one in activity.recipients]
    answered = {one.name for one in named if one.notify is not None}
    return tuple(sorted({one.name for one in named} - answered))


def unregistered_activities(declaration: Declaration, register: Mapping[str, Activity]) -> tuple[str, ...]:
    """Faults "system: object: activity" for the activities that *declaration* names and *register* lacks."""
    return tuple(
        f"{declaration.name}: {declared.name}: activity {id_!r} is not in the register"
        for declared in declaration.objects
        for id_ in declared.activities
        if id_ not in register
    )
