"""
Declaration -> its faults: keys that are right one by one and contradict each other.

Effects: none.
"""

from collections.abc import Iterator

from dsar.declaration.lines import Place
from dsar.declaration.system import Declaration, DeclaredObject, ReachedFrom
from dsar.identifiers import normalise
from dsar.model import IdentifierType

#: Types that a record may hand on to other systems; a name, an address or a company number never leads anywhere (P6).
EMITTABLE = frozenset(IdentifierType) - {IdentifierType.NAME, IdentifierType.ADDRESS, IdentifierType.ORGNR}


def contradictions(declaration: Declaration) -> Iterator[tuple[Place, str]]:
    if not declaration.objects:
        yield (), "at least one [[object]] is needed"
    canary = declaration.canary
    if canary and normalise(canary.type, canary.value) != canary:
        yield ("canary",), f"the value is no {canary.type} in normal form"
    names = [declared.name for declared in declaration.objects]
    for index, declared in enumerate(declaration.objects):
        place: Place = ("object", index)
        if declared.name in names[:index]:
            yield (*place, "name"), "another object has this name"
        if declaration.kind == "sql" and not (declared.table and declared.key):
            yield place, "an object of a database needs table and key"
        if declaration.kind == "files" and not declared.file:
            yield place, "an object of kind files needs file"
        for check in (_column_faults, _strength_faults, _change_faults):
            for tail, fault in check(declared):
                yield (*place, *tail), fault
        for at, link in enumerate(declared.reached_from):
            if broken := _link_fault(declaration, declared, link):
                yield (*place, "reached_from", at), broken


def _column_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    columns = [each.column for each in declared.fields]
    if not columns:
        yield ("fields",), "at least one field is needed"
    for at, column in enumerate(columns):
        if column in columns[:at]:
            yield ("fields", at, "column"), f"column {column!r} is declared twice"
    used: list[tuple[Place, str]] = [(("person_name",), column) for column in declared.person_name]
    used += [(("find", at, "columns"), column) for at, find in enumerate(declared.find) for column in find.columns]
    used += [(("emits",), column) for column in declared.emits]
    used += [(("update",), column) for column in declared.update.values()]
    used += [(("keep", "column"), declared.keep.column)] if declared.keep else []
    used += [(("erase", "set"), column) for column in declared.erase.set] if declared.erase else []
    used += [(("suppress", "column"), declared.suppress.column)] if declared.suppress else []
    used += [
        (("fields", at, "changed_at"), each.changed_at) for at, each in enumerate(declared.fields) if each.changed_at
    ]
    for place, column in used:
        if column not in columns:
            yield place, f"column {column!r} is not among the fields"


def _strength_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    fields = {each.column: each for each in declared.fields}
    for column, type_ in declared.emits.items():
        if type_ not in EMITTABLE:
            yield ("emits",), f"{type_} leads to other people and cannot be emitted"
        if column in fields and not fields[column].vouched:
            yield ("emits",), f"column {column!r} must be the person's own and asserted by company or confirmed"


def _change_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    fields = {each.column: each for each in declared.fields}
    for column in declared.update.values():
        if column in fields and not fields[column].writable:
            yield ("update",), f"column {column!r} is not writable"
    erase = declared.erase
    if erase is None:
        return
    if erase.action == "keep" and declared.keep is None:
        yield ("erase",), "action 'keep' needs a keep rule with its law"
    if (erase.action == "anonymise") != bool(erase.set):
        yield ("erase",), "'set' belongs to action 'anonymise', which needs it"
    if erase.action == "anonymise":
        # Recital 26: anonymous only if the person is no longer identifiable; whatever identifies must go.
        for each in declared.fields:
            identifies = each.free_text or (each.subject == "person" and each.category in {"identity", "contact"})
            if identifies and each.column not in erase.set and each.column != declared.key:
                yield ("erase",), f"anonymising leaves column {each.column!r}, which identifies the person"


def _link_fault(declaration: Declaration, declared: DeclaredObject, link: ReachedFrom) -> str | None:
    try:
        ends = (declaration.object(link.object).field(link.their), declared.field(link.ours))
    except KeyError as missing:
        return f"{missing.args[0]!r} is not declared"
    if all(end.vouched and end.asserted_by == "company" for end in ends):
        return None
    return "only a person's own company-assigned key leads from one object to another"
