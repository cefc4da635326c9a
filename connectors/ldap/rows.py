"""
(directory, declared object) -> its rows: one per entry, or one per value of one attribute, as per member of a group.

Effects: reads the given Directory: every entry of an object once, and those that are found again with all that they
hold. Values of an attribute have no order, so they stand in alphabetical order, one per line.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import attached
from connectors.declared import Row, holds_one
from connectors.ldap.directory import ANY, Directory, Entry
from connectors.ldap.names import canonical_dn
from dsar.declaration import Declaration, DeclaredField, DeclaredObject, Find
from dsar.errors import SystemContractError
from dsar.model import Identifier

DN, REST = "dn", "rest"
#: RFC 4530: the one name of an entry that never changes.
ENTRY_UUID = "entryUUID"
_GUIDS = frozenset({"objectguid"})  # Active Directory keeps its own in bytes, the first groups turned round
#: What proves who somebody is; nobody is told it, not even its owner.
SECRETS = frozenset({"userpassword", "unicodepwd", "sambantpassword", "sambalmpassword", "krbprincipalkey"})
#: About the entry as such.
LEFT_OUT = frozenset({"objectclass"})
NAMES = frozenset({"1.3.6.1.4.1.1466.115.121.1.12", "1.3.6.1.4.1.1466.115.121.1.34"})
_TIMES = frozenset({"1.3.6.1.4.1.1466.115.121.1.24", "1.3.6.1.4.1.1466.115.121.1.53"})
_DIGEST_LENGTH = 32


def attribute_of(declared: DeclaredField) -> str:
    return declared.stored_in or declared.column


@dataclass(frozen=True, kw_only=True)
class Held:
    """A row and the entry that it was read from."""

    row: Row
    entry: Entry
    value: bytes | None  #: The one value that is meant, of an object with `each`.


class EntryRows:
    """The rows of a declaration over one connection."""

    def __init__(self, directory: Directory, declaration: Declaration) -> None:
        self._directory = directory
        self._declaration = declaration
        self._known: dict[tuple[str, str, frozenset[str]], list[Entry]] = {}
        self.problems: list[str] = []  #: Why not everything was read, without personal data.
        if missing := sorted(self._unknown_attributes()):
            raise SystemContractError(directory.system, f"its schema has no attribute {', '.join(missing)}")

    # ----------------------------------------------------------------------------------------------------- searching

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterable[Row]:
        for held in self.all(declared):
            if holds_one(declared, held.row, identifiers):
                yield self._whole(declared, held).row

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterable[Row]:
        wanted = {value.casefold() for value in values}
        for held in self.all(declared):
            if held.row.values[column].casefold() in wanted:
                yield self._whole(declared, held).row

    def all(self, declared: DeclaredObject) -> Iterator[Held]:
        """Every row of *declared*, without what only a whole entry tells."""
        for entry in self._entries(declared):
            yield from self._of(declared, entry)

    def _entries(self, declared: DeclaredObject) -> list[Entry]:
        place = (declared.base or "", declared.filter or "", frozenset(self._attributes(declared)))
        if place not in self._known:
            self._known[place], problem = self._directory.read(*place)
            if problem and problem not in self.problems:
                self.problems.append(problem)
        return self._known[place]

    def _whole(self, declared: DeclaredObject, held: Held) -> Held:
        """*held* with pictures and what has no column, which are not read of everybody."""
        if not self._needs_more(declared):
            return held
        try:
            entries, problem = self._directory.read(held.entry.dn, ANY, self._all_attributes(declared), below=False)
        except SystemContractError:  # nothing is there any more
            entries, problem = [], "an entry went away while it was read"
        if problem:
            self.problems.append(problem)
        whole = (each for entry in entries for each in self._of(declared, entry) if each.row.key == held.row.key)
        return next(whole, held)

    def by_key(self, declared: DeclaredObject, key: str) -> list[Held]:
        """
        The row with *key*, wherever in the directory it is now; [] if it is gone.

        Raises: SystemContractError if several have it, or *key* is none; SystemUnavailableError if it is not found and
        not everything was read.
        """
        bases = [declared.base or "", *self._directory.naming_contexts]
        try:
            stored = _key_bytes(declared, key.partition("#")[0])
        except ValueError:
            raise SystemContractError(self._directory.system, "a key names no entry") from None
        entries = self._directory.by_attribute(bases, _key(declared), stored, self._all_attributes(declared))
        found = [held for entry in entries for held in self._of(declared, entry) if held.row.key == key]
        if len(found) > 1:
            raise SystemContractError(self._directory.system, "a key names several entries")
        return found

    def naming(self, declared: DeclaredObject, dn: str) -> int:
        """How many values of declared groups and the like name the entry of *declared* that is called *dn*."""
        links = [
            (other, link.ours)
            for other in self._declaration.objects
            for link in other.reached_from
            if other.each and link.object == declared.name and link.their == DN
        ]
        return sum(
            held.row.values[ours].casefold() == dn.casefold() for other, ours in links for held in self.all(other)
        )

    # ------------------------------------------------------------------------------------------------ entry -> rows

    def _of(self, declared: DeclaredObject, entry: Entry) -> Iterator[Held]:
        keys = entry.attributes.get(_key(declared).lower(), ())
        if len(keys) != 1:
            raise SystemContractError(self._directory.system, f"an entry shows no {_key(declared)}")
        key = _key_text(declared, keys[0])
        values = {field.column: self._column(declared, field, entry) for field in declared.fields}
        if declared.each is None:
            yield Held(
                row=Row(key=key, values=values, documents=attached.told_by_value(declared.documents, entry.attributes)),
                entry=entry,
                value=None,
            )
            return
        for value in entry.attributes.get(declared.each.lower(), ()):
            text = self.text(declared.each, value)
            digest = hashlib.sha256(text.casefold().encode() if text_like(value) else value).hexdigest()
            own = {field.column: text for field in declared.fields if attribute_of(field) == declared.each}
            # The name of a member stays out of the key, which outlives the case (P7).
            yield Held(
                row=Row(
                    key=f"{key}#{digest[:_DIGEST_LENGTH]}",
                    values=values | own,
                    documents=attached.told_by_value(declared.documents, {declared.each.lower(): [value]}),
                ),
                entry=entry,
                value=value,
            )

    def _column(self, declared: DeclaredObject, field: DeclaredField, entry: Entry) -> str:
        if field.column == DN:
            return canonical_dn(entry.dn)
        if field.column == REST:
            return self._rest(declared, entry)
        attribute = attribute_of(field)
        if attribute == declared.each:
            return ""  # the others' values are nobody's business
        stored = (entry.attributes.get(each, ()) for each in self._spellings(attribute))
        return "\n".join(sorted(self.text(attribute, value) for values in stored for value in values))

    def _rest(self, declared: DeclaredObject, entry: Entry) -> str:
        """Every attribute that nothing else of *declared* tells."""
        told = {each for field in declared.fields for each in self._spellings(attribute_of(field))}
        told |= {each.content.lower() for each in declared.documents if each.content}
        told |= {_key(declared).lower(), *LEFT_OUT}
        return "\n".join(
            f"{name}: {self.text(name, value)}"
            for name in sorted(entry.attributes.keys() - told)
            for value in sorted(entry.attributes[name])
        )

    def text(self, attribute: str, value: bytes) -> str:
        """*value* as a person can read it: what is no text by its size, a time as ISO 8601, a secret not at all."""
        if attribute.lower() in SECRETS or not text_like(value):
            return f"{len(value)} bytes"
        text, syntax = value.decode(), syntax_of(self._directory.schema, attribute)
        if syntax in NAMES:
            return canonical_dn(text)
        return _time(text) if syntax in _TIMES else text

    # ----------------------------------------------------------------------------------------------------- attributes

    def stored_name(self, attribute: str, entry: Entry) -> str:
        """The name under which *entry* gives *attribute*."""
        return next((each for each in self._spellings(attribute) if each in entry.attributes), attribute)

    def _attributes(self, declared: DeclaredObject) -> set[str]:
        """What is read of every entry; all that it has only where somebody may be found by the rest."""
        columns = {attribute_of(field) for field in declared.fields} - {DN, REST}
        by_rest = any(REST in find.columns for find in declared.find)
        return {_key(declared), *columns, *([declared.each] if declared.each else []), *(["*"] if by_rest else [])}

    def _all_attributes(self, declared: DeclaredObject) -> set[str]:
        return {*self._attributes(declared), *(["*"] if self._needs_more(declared) else [])}

    @staticmethod
    def _needs_more(declared: DeclaredObject) -> bool:
        return bool(declared.documents) or any(field.column == REST for field in declared.fields)

    def _unknown_attributes(self) -> Iterator[str]:
        known = self._directory.schema.attribute_types
        for declared in self._declaration.objects:
            documents = {each.content for each in declared.documents if each.content}
            for name in (self._attributes(declared) | documents) - {"*"}:
                if name not in known and name.lower() not in _GUIDS:
                    yield name

    def _spellings(self, attribute: str) -> tuple[str, ...]:
        """The names in small letters under which a server may give *attribute*: `mail` is `rfc822Mailbox`, too."""
        known = self._directory.schema.attribute_types.get(attribute)
        return tuple(dict.fromkeys([attribute.lower(), *(each.lower() for each in (known.name if known else ()))]))


def syntax_of(schema: Any, attribute: str) -> str:  # noqa: ANN401  # ldap3's
    """OID of its syntax, which it may have from the attribute that it is a kind of (RFC 4512 section 2.5.1)."""
    known = schema.attribute_types.get(attribute)
    while known is not None and not known.syntax and known.superior:
        known = schema.attribute_types.get(known.superior[0])
    return str(known.syntax or "") if known else ""


def _key(declared: DeclaredObject) -> str:
    return declared.key or ENTRY_UUID


def _key_text(declared: DeclaredObject, value: bytes) -> str:
    if _key(declared).lower() in _GUIDS:
        return str(uuid.UUID(bytes_le=value))
    return value.decode("utf-8", "replace").lower()


def _key_bytes(declared: DeclaredObject, text: str) -> bytes:
    """Raises: ValueError."""
    known = uuid.UUID(text)
    return known.bytes_le if _key(declared).lower() in _GUIDS else text.encode()


def text_like(value: bytes) -> bool:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() or all(each.isprintable() or each in "\r\n\t" for each in text)


def _time(text: str) -> str:
    """Generalized Time (RFC 4517 section 3.3.13) in UTC as ISO 8601; as it is if it is written otherwise."""
    if not text.endswith("Z"):
        return text
    try:
        return datetime.strptime(text.partition(".")[0].rstrip("Z") + "+0000", "%Y%m%d%H%M%S%z").isoformat(sep=" ")
    except ValueError:
        return text
