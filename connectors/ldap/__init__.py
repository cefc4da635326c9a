"""
A directory -> the entries and memberships that a person has in it, and approved changes to them.

Effects: every search reads all entries of the declared objects, page by page, and compares them here, for no directory
spells phones and names as we do; nothing of a requester gets into a filter. What the server did not give whole, or an
answer without the canary person, makes the search incomplete, never "nothing". Changes go through an account of their
own, and only if the entry is still the one that was read. To know what an account may write, `health` asks for the
removal of a value that no entry has.

Options: `url` (ldaps://, or ldap:// with StartTLS); `user` (distinguished name) and `password`, or `cert_file` and
`key_file`, or none of them to be anonymous; the same with `write_` for changes; `ca_file`, `timeout_seconds`;
`plain = on` (no TLS, this machine only).
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from connectors import attached, check_options, plans
from connectors.declared import canary_found, search_rows
from connectors.trust import trust
from connectors.turns import InTurn
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject
from dsar.errors import (
    DsarError,
    SettingsError,
    SystemContractError,
    SystemRefusedError,
    SystemUnavailableError,
)
from dsar.model import Document, Identifier, PlanStep, Record, StepOutcome
from dsar.tls import is_loopback, tls_context

try:
    from connectors.ldap.directory import Account, Directory
    from connectors.ldap.rows import DN, EntryRows, Held, attribute_of
except ModuleNotFoundError as error:  # the extra is not installed
    raise SettingsError([f"a system of kind ldap needs {error.name}: install 'dsar[ldap]'"]) from None

_PROOFS = frozenset({"user", "password", "cert_file", "key_file"})
_WRITE_PROOFS = frozenset(f"write_{each}" for each in _PROOFS)
_OPTIONAL = _PROOFS | _WRITE_PROOFS | {"ca_file", "timeout_seconds", "plain"}
_PORTS = {"ldap": 389, "ldaps": 636}
_HIDDEN = "the canary person is not found"
#: No entry holds it, so taking it out changes nothing.
_NO_VALUE = b"dsar asks whether it could change this"


def open_ldap(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "LdapReader":
    """An LdapEditor where an account for changes is set, else an LdapReader. Raises: SettingsError."""
    check_options(name, options, required=frozenset({"url"}), optional=_OPTIONAL)
    reading = account_of(name, options, prefix="")
    if not _WRITE_PROOFS & set(options):
        return LdapReader(name=name, declaration=declaration, reading=reading)
    writing = account_of(name, options, prefix="write_")
    return LdapEditor(name=name, declaration=declaration, reading=reading, writing=writing)


def account_of(name: str, options: Mapping[str, str], *, prefix: str) -> Account:
    """The account of options *prefix*user and so on. Raises: SettingsError with every fault."""
    user, password, certificate, key = (
        options.get(f"{prefix}{each}", "") for each in ("user", "password", "cert_file", "key_file")
    )
    url = urlsplit(options["url"])
    plain, timeout = options.get("plain", "off"), options.get("timeout_seconds", "30")
    faults = []
    if url.scheme not in _PORTS or not _is_host(url):
        faults.append("url must be ldaps://HOST[:PORT] or ldap://HOST[:PORT]")
    # RFC 4513 section 5.1.2: a name without a password is let in as nobody, and told so by nobody.
    if bool(user) != bool(password):
        faults.append(f"{prefix}user and {prefix}password belong together")
    if bool(certificate) != bool(key) or (certificate and (user or plain == "on")):
        faults.append(f"{prefix}cert_file and {prefix}key_file belong together, need TLS and take no {prefix}user")
    if plain not in {"on", "off"} or (plain == "on" and (url.scheme != "ldap" or not is_loopback(url.hostname or ""))):
        faults.append("plain is 'on' for an ldap:// address of this machine only, else 'off'")
    if not (timeout.isascii() and timeout.isdecimal()) or timeout == "0":
        faults.append("timeout_seconds is no whole number")
    if faults:
        raise SettingsError([f"system {name}: {fault}" for fault in faults])
    return Account(
        host=url.hostname or "",
        port=url.port or _PORTS[url.scheme],
        tls=None if plain == "on" else _tls(name, options.get("ca_file"), certificate, key),
        tls_first=url.scheme == "ldaps",
        user=user,
        password=password,
        by_certificate=bool(certificate),
        timeout_seconds=int(timeout),
    )


def _is_host(url: SplitResult) -> bool:
    """Whether it says a host and perhaps a port, and nothing else."""
    try:
        port = url.port
    except ValueError:
        return False
    return bool(url.hostname) and port != 0 and not (url.path.strip("/") or url.query or url.fragment or url.username)


def _tls(name: str, ca_file: str | None, certificate: str, key: str) -> ssl.SSLContext:
    """Whom we believe and, with a certificate, what we show. Raises: SettingsError."""
    context = trust(name, ca_file)
    if not certificate:
        return context
    context = tls_context(ca_file)  # the other one is shared with every system
    try:
        context.load_cert_chain(certificate, key)
    except OSError:  # ssl.SSLError is one
        raise SettingsError([f"system {name}: cert_file and key_file cannot be read"]) from None
    return context


class LdapReader(InTurn):
    """Searches a directory, and fetches the pictures and certificates in it."""

    def __init__(self, *, name: str, declaration: Declaration, reading: Account) -> None:
        self.name = name
        self._declaration = declaration
        self._reading = reading
        self._bear(declaration.rate)

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        with self._rows(self._reading) as (_, rows):
            records, emits = search_rows(rows, self._declaration, identifiers, system=self.name, read_at=read_at)
            # A directory answers who may not read an entry as if there were none.
            hidden = [_HIDDEN] if canary_found(rows, self._declaration) is False else []
            detail = "; ".join([*rows.problems, *hidden])
        return SearchAnswer(records=records, complete=not detail, emits=emits, detail=detail)

    def health(self) -> Health:
        try:
            with self._rows(self._reading) as (directory, rows):
                found = canary_found(rows, self._declaration)
                notes = tuple(self._notes(directory, rows))
                problems = [*rows.problems, *([_HIDDEN] if found is False else [])]
        except DsarError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=not problems, detail="; ".join(problems), notes=notes)

    def fetch(self, record: Record, document: Document) -> bytes:
        declared = self._declaration.object(record.object)
        with self._rows(self._reading) as (_, rows):
            held = _only(rows.by_key(declared, record.key))
        content = attached.value_at(declared.documents, held.entry.attributes, document.place) if held else None
        return attached.checked(record, document, content)

    def _notes(self, directory: Directory, rows: EntryRows) -> Iterator[str]:
        """What the account that searches may do and should not."""
        for declared in self._declaration.objects:
            held = next(iter(rows.all(declared)), None)
            if held is None:
                yield f"there is no {declared.name}"
                continue
            if any(directory.may_modify(held.entry.dn, each, _NO_VALUE) for each in _changed(declared)):
                yield f"the account that searches may also write: {declared.name}; give it less"
        if any(directory.shows_passwords(declared.base or "") for declared in self._declaration.objects):
            yield "the account that searches may read passwords; hide userPassword from it"

    @contextmanager
    def _rows(self, account: Account) -> Iterator[tuple[Directory, EntryRows]]:
        with self._turns.turn(), Directory(self.name, account) as directory:
            yield directory, EntryRows(directory, self._declaration)


class LdapEditor(plans.Planner, LdapReader):
    """Searches, and carries out approved steps through an account of its own."""

    _one_per_line = True

    def __init__(self, *, name: str, declaration: Declaration, reading: Account, writing: Account) -> None:
        super().__init__(name=name, declaration=declaration, reading=reading)
        self._writing = writing

    def health(self) -> Health:
        """Also whether the account that changes may write what the declaration says that it changes."""
        health = super().health()
        try:
            with self._rows(self._writing) as (directory, rows):
                told = tuple(self._unwritable(directory, rows))
        except DsarError as error:
            told = (f"the account that changes cannot be used: {error}",)
        return replace(health, notes=(*health.notes, *told))

    def _unwritable(self, directory: Directory, rows: EntryRows) -> Iterator[str]:
        for declared in self._declaration.objects:
            held = next(iter(rows.all(declared)), None)
            wanted = _changed(declared) if held else []
            if held and (
                refused := [each for each in wanted if not directory.may_modify(held.entry.dn, each, _NO_VALUE)]
            ):
                yield f"the account that changes may not write: {declared.name} ({', '.join(refused)})"

    def apply(self, step: PlanStep, *, key: str) -> None:
        declared = self._declaration.object(step.object)
        with self._rows(self._writing) as (directory, rows):
            held = _only(rows.by_key(declared, step.key))
            writes = plans.due_writes(self._declaration, step, held.row if held else None)
            if held is None or writes == {}:
                return
            if writes is not None:
                directory.modify(held.entry, self._values(rows, declared, held, writes), object_=step.object)
            elif held.value is not None:
                attribute = declared.each or ""
                left = [each for each in held.entry.attributes[attribute.lower()] if each != held.value]
                directory.modify(held.entry, {attribute: left}, object_=step.object)
            else:
                self._remove(directory, rows, declared, held)

    def verify(self, step: PlanStep) -> StepOutcome:
        declared = self._declaration.object(step.object)
        with self._rows(self._reading) as (_, rows):
            held = _only(rows.by_key(declared, step.key))
            if held is None and canary_found(rows, self._declaration) is False:
                raise SystemUnavailableError(self.name, _HIDDEN)  # so that it is not there proves nothing (P7)
            dn = next((each.before for each in step.changes if each.path == DN), "")
            named = rows.naming(declared, dn) if held is None and dn else 0
            if rows.problems:
                raise SystemUnavailableError(self.name, "; ".join(rows.problems))
        outcome = plans.outcome(step, held.row if held else None)
        if outcome.done and named and step.action in plans.REMOVING:
            return replace(outcome, done=False, detail=f"{named} other entries still name it")
        return outcome

    def _remove(self, directory: Directory, rows: EntryRows, declared: DeclaredObject, held: Held) -> None:
        """Raises: SystemRefusedError while other entries name this one, for nobody could find them afterwards."""
        if named := rows.naming(declared, held.row.values.get(DN, "")):
            raise SystemRefusedError(self.name, f"{named} other entries still name it, as groups do")
        directory.delete(held.entry, object_=declared.name)

    def _values(
        self, rows: EntryRows, declared: DeclaredObject, held: Held, writes: Mapping[str, str]
    ) -> dict[str, list[bytes]]:
        """
        {attribute: all its values} after *writes*; values that stay keep the bytes that are stored.

        Raises: SystemContractError for a value that is told otherwise than it is stored.
        """
        after: dict[str, list[bytes]] = {}
        for column, text in writes.items():
            attribute = attribute_of(declared.field(column))
            name = rows.stored_name(attribute, held.entry)
            stored = {rows.text(attribute, value): value for value in held.entry.attributes.get(name.lower(), ())}
            if any("\n" in each for each in stored):
                raise SystemContractError(self.name, "a value of several lines can only be changed by hand")
            after[name] = [stored.get(each, each.encode()) for each in text.split("\n") if each]
        return after


def _changed(declared: DeclaredObject) -> list[str]:
    """The attributes of *declared* that corrections and erasures of single values are written to."""
    changed = {attribute_of(declared.field(column)) for column in declared.update.values()}
    return sorted(changed | ({declared.each} if declared.each and declared.erase else set()))


def _only(found: Sequence[Held]) -> Held | None:
    return found[0] if found else None
