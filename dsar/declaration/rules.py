"""
Declaration -> its faults: keys that are right one by one and contradict each other.

Effects: none.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from dsar.declaration.directories import entry_faults
from dsar.declaration.lines import Place
from dsar.declaration.system import Declaration, DeclaredObject, Mark, ReachedFrom
from dsar.declaration.web import WebRequest
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
    if declaration.kind == "rest" and declaration.http is None:
        yield (), "a web API needs [http]"
    if declaration.http and declaration.rate:
        yield ("rate",), "the rate of a web API stands in [http]"
    for index, declared in enumerate(declaration.objects):
        place: Place = ("object", index)
        same = [each for each in declaration.objects[:index] if each.name == declared.name]
        if any(not declared.file or (each.file, each.sheet) == (declared.file, declared.sheet) for each in same):
            yield (*place, "name"), "another object has this name"
        checks = (_column_faults, _strength_faults, _change_faults, _erase_faults, _rare_faults, _residue_faults)
        for check in (*_KIND_FAULTS.get(declaration.kind, ()), *checks, _document_faults(declaration.kind)):
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
    used += [(("person_if",), column) for column in declared.person_if]
    used += [(("protected_if",), column) for column in declared.protected_if]
    used += [(("reached_from", at, "named"), link.named) for at, link in enumerate(declared.reached_from) if link.named]
    used += [(("find", at, "columns"), column) for at, find in enumerate(declared.find) for column in find.columns]
    used += [(("reached_from", at, "ours"), link.ours) for at, link in enumerate(declared.reached_from)]
    used += [(("emits",), column) for column in declared.emits]
    used += [(("update",), column) for column in declared.update.values()]
    used += [(("keep", "column"), declared.keep.column)] if declared.keep else []
    used += [(("erase", "set"), column) for column in declared.erase.set] if declared.erase else []
    used += [(("erase", "follows"), column) for column in declared.erase.follows] if declared.erase else []
    rare = declared.erase.rare if declared.erase else None
    used += [(("erase", "rare"), column) for column in (*rare.columns, *rare.set)] if rare else []
    used += [((name, "column"), mark.column) for name, mark in _marks(declared)]
    used += [
        (("fields", at, "changed_at"), each.changed_at) for at, each in enumerate(declared.fields) if each.changed_at
    ]
    for place, column in used:
        if column not in columns:
            yield place, f"column {column!r} is not among the fields"


def _marks(declared: DeclaredObject) -> list[tuple[str, Mark]]:
    named = (("suppress", declared.suppress), ("restrict", declared.restrict))
    return [(name, mark) for name, mark in named if mark]


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
    if declared.table:
        overwritten = [*declared.update.values(), *(declared.erase.set if declared.erase else ())]
        for column in [*overwritten, *(mark.column for _, mark in _marks(declared))]:
            if column in fields and fields[column].packed:
                yield ("fields",), f"column {column!r} is packed in another and cannot be written"


def _erase_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
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


def _rare_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    erase = declared.erase
    if erase is None:
        return
    for name in ("rare", "follows"):
        if getattr(erase, name) and erase.action != "anonymise":
            yield ("erase", name), f"{name!r} belongs to action 'anonymise'"
    for column in erase.follows:
        if column in erase.set:
            yield ("erase", "follows"), f"column {column!r} is overwritten by 'set'"
    if erase.rare is None:
        return
    for column in (*erase.rare.columns, *erase.rare.set):
        if column in erase.set or column == declared.key:
            yield ("erase", "rare"), f"column {column!r} does not stay in an emptied record, or names it"
    packed = {each.column for each in declared.fields if each.packed and declared.table}
    for column in sorted(packed & set(erase.rare.set)):
        yield ("erase", "rare"), f"column {column!r} is packed in another and cannot be written"


def _residue_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    erase = declared.erase
    # The record is gone by then: what it held is known from the approved step alone.
    told = erase.set if erase and erase.action == "anonymise" else {each.column for each in declared.fields}
    named = [(("residue", at), each.holding) for at, each in enumerate(declared.residue)]
    named += [(("residue_files", at), each.columns) for at, each in enumerate(declared.residue_files)]
    for place, columns in named:
        for column in columns:
            if column not in told:
                yield place, f"column {column!r} is not among what erasing the record removes"


def _document_faults(kind: str) -> Callable[[DeclaredObject], Iterator[tuple[Place, str]]]:
    def faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
        for at, each in enumerate(declared.documents):
            given = {name for name in ("content", "file", "request", "link") if getattr(each, name) is not None}
            wanted = _DOCUMENT_IS_IN.get(kind)
            if wanted is not None and (len(given) != 1 or not given <= wanted):
                yield ("documents", at), f"a document of kind {kind} needs {' or '.join(sorted(wanted))}, one of them"
            if each.each and not each.key:
                yield ("documents", at), "'each' needs 'key', which names the document"
            if each.link and declared.web is None:
                yield ("documents", at), "a link is read anew each time, which needs web.read"
            if each.request and (strange := _strange(each.request, {"key", "value"}, ())):
                yield ("documents", at, "request"), f"there is no {strange!r} to put in here"
        if declared.documents and declared.erase and declared.erase.action == "anonymise":
            yield ("erase",), "anonymising leaves the documents; give them an object of their own"
        if declared.documents and declared.content == "document":
            yield ("documents",), "a file read as running text carries itself"

    return faults


#: Kind -> what of an document says where the bytes are; another package's kind may use any.
_DOCUMENT_IS_IN = {
    "sql": {"content"},
    "memory": {"content"},
    "files": {"file"},
    "rest": {"request", "link"},
    "ldap": {"content"},
    "carddav": {"content"},
}


def _table_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    if not (declared.table and declared.key):
        yield (), "an object of a database needs table and key"


def _file_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    if not declared.file:
        yield (), "an object of kind files needs file"
    if declared.content == "document":
        for at, each in enumerate(declared.fields):
            if each.column not in _DOCUMENT_COLUMNS:
                yield ("fields", at, "column"), "a document has columns file, text, modified and criminal"
            if each.column == "text" and not each.free_text:
                yield ("fields", at), "the text of a document is free_text"
        yield from _application_faults(declared)
        if declared.key not in {None, "file"}:
            yield ("key",), "the key of a document is its file"


def _mail_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    for at, each in enumerate(declared.fields):
        known = each.column in _MAIL_COLUMNS
        if known == (each.stored_in is not None) or each.stored_in not in {None, "text"}:
            yield (
                ("fields", at),
                f"a mail has columns {', '.join(_MAIL_COLUMNS)}; a line of a form's mail has stored_in = 'text'",
            )
        if each.column in _MAIL_TEXTS and not each.free_text:
            yield ("fields", at), f"the {each.column} of a mail is free_text"
    if declared.key:
        yield ("key",), "a mail has a key of its own"
    if declared.erase and declared.erase.action == "anonymise":
        yield ("erase",), "a mail can be removed and not be changed"
    if declared.update or declared.suppress or declared.restrict:
        yield (), "a mail can be removed and not be changed"
    yield from _application_faults(declared)


def _application_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    # Art. 10 GDPR: what an applicant sends may hold an extract from the criminal record, which nobody may miss.
    applied = any(each.category == "recruitment" for each in declared.fields)
    if applied and not any(each.column == "criminal" and each.category == "criminal" for each in declared.fields):
        yield ("fields",), "applications need the column criminal, of category criminal"


#: What the connectors give of a document and of a mail.
_DOCUMENT_COLUMNS = frozenset({"file", "text", "modified", "criminal"})
_MAIL_TEXTS = ("subject", "text", "quoted", "attachments")
_MAIL_COLUMNS = ("mailbox", "folder", "arrived", "from", "to", *_MAIL_TEXTS, "thread", "private", "criminal")


def _manual_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    if not any(each.column == "text" and each.free_text for each in declared.fields):
        yield ("fields",), "an object of kind manual needs a field text that is free_text, for what has no other place"
    if declared.restrict:
        yield ("restrict",), "people who answer by mail have no mark to set; a restriction is their task"


def _card_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    fields = {each.column: each for each in declared.fields}
    if set(fields) == {"note"} and fields["note"].free_text:  # a mention in somebody else's card
        if declared.erase and declared.erase.action == "delete":
            yield ("erase",), "a mention stands in somebody else's card: empty its note, do not delete it"
        return
    if "rest" not in fields or not fields["rest"].free_text:
        yield ("fields",), "a card needs a field rest that is free_text, for what has no other place"
    written = [*declared.update.values(), *(mark.column for _, mark in _marks(declared))]
    if "rest" in written:
        yield ("fields",), "column 'rest' is gathered from many properties and cannot be written"
    if declared.erase and declared.erase.action == "anonymise":
        yield ("erase",), "a card is deleted, not anonymised: it is nothing but the person's data"


def _web_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    if not declared.key:
        yield (), "an object of a web API needs key"
    row = {"key", "row"}
    entries: list[tuple[str, str | int, WebRequest | None, set[str]]] = []
    entries += [("inside", at, each.request, {"inside"}) for at, each in enumerate(declared.inside)]
    entries += [("find", at, each.request, {"value", "inside"}) for at, each in enumerate(declared.find)]
    entries += [
        ("reached_from", at, each.request, {"value", "inside"}) for at, each in enumerate(declared.reached_from)
    ]
    if declared.web:
        entries.append(("web", "read", declared.web.read, {"key"}))
        entries += [("web", "remove", each, row | {"each"}) for each in declared.web.remove]
        entries += [("web", "anonymise", each, row | {"each"}) for each in declared.web.anonymise]
        entries += [("web", "change_of", each, row | {"new"}) for each in declared.web.change_of.values()]
        if declared.web.change:
            entries.append(("web", "change", declared.web.change, row))
    entries += [("parts", at, each.request, row) for at, each in enumerate(declared.parts)]
    places = [each.name for each in declared.inside]
    for name, at, request, allowed in entries:
        known = places[: int(at)] if name == "inside" else places
        if request is None:
            yield (name, at), "a web API needs request"
        elif strange := _strange(request, {*allowed, "job"}, known):
            yield (name, at, "request"), f"there is no {strange!r} to put in here"
    yield from _later_faults(declared)
    writes = declared.web
    changed = {*declared.update.values(), *(mark.column for _, mark in _marks(declared))}
    if declared.erase and not (declared.residue or (writes and writes.anonymise)):
        changed |= set(declared.erase.set)
    changed |= set(declared.erase.rare.set) if declared.erase and declared.erase.rare else set()
    if not (writes and writes.change) and changed - set(writes.change_of if writes else ()):
        yield ("web",), "changing a record needs web.change"
    if declared.erase and declared.erase.action == "delete" and not (writes and writes.remove):
        yield ("web",), "erasing a record needs web.remove"


def _strange(request: WebRequest, allowed: set[str], places: Sequence[str]) -> str | None:
    """A slot of *request* that nothing fills there, None if all are filled."""
    for slot in sorted(request.slots):
        what, _, name = slot.partition(".")
        if what not in allowed or (what == "inside" and name not in places):
            return slot
    return None


def _later_faults(declared: DeclaredObject) -> Iterator[tuple[Place, str]]:
    searched = [(("find", at), column) for at, find in enumerate(declared.find) for column in find.columns]
    searched += [(("reached_from", at), link.ours) for at, link in enumerate(declared.reached_from)]
    paths = {each.column: each.path or each.column for each in declared.fields}
    for part in declared.parts:
        for place, column in searched:
            if part.later and re.search(rf"\b{re.escape(part.name)}\b", paths.get(column, "")):
                yield place, f"column {column!r} stands in part {part.name!r}, which is read only for what is found"


#: Kind -> what only its objects need.
_KIND_FAULTS = {
    "sql": (_table_faults,),
    "files": (_file_faults,),
    "rest": (_web_faults,),
    "manual": (_manual_faults,),
    "carddav": (_card_faults,),
    "imap": (_mail_faults,),
    "ldap": (entry_faults,),
}


def _link_fault(declaration: Declaration, declared: DeclaredObject, link: ReachedFrom) -> str | None:
    try:
        ends = (declaration.object(link.object).field(link.their), declared.field(link.ours))
    except KeyError as missing:
        return f"{missing.args[0]!r} is not declared"
    if all(end.asserted_by == "company" and (end.vouched or (link.named and not end.free_text)) for end in ends):
        return None
    return "only a person's own company-assigned key leads from one object to another"
