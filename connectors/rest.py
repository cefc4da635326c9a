"""
A web API (JSON REST, GraphQL, JSON-RPC, forms) -> what it holds about a person, and approved changes to it.

Effects: requests to the one host in option `url`; see connectors/calls.py. A change is sent only after the record was
read by its key and is still as approved, which also makes a repeated step harmless.

Options: `url`; what the declared way of logging in needs: `user` `password` `token` `client_id` `client_secret`
`refresh_token` `token_url` `authorize_url` `renewed_token_path`, sealed under `token_key`; `write_...` of those: the
account for changes; `changes = on`: change with the account that searches; `residue_url` and `residue_ca_file`:
database of the product, and `residue_folder`: folder of the product, for what it keeps of an erased record;
`file_hosts`: addresses of other hosts that keep its documents, and get no secrets; `ca_file`; `timeout_seconds` (30,
per request); `patience_seconds` (120, for Retry-After).
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import jmespath
import sqlalchemy as sa

from connectors import attached, check_options, downloads, leftovers, plans, residue
from connectors.calls import Answer, Caller, Extra
from connectors.declared import Row, canary_found, looked_up, matching, search_rows
from connectors.jobs import Passing, await_begun, sent_once
from connectors.logins import login_of, needed_options
from connectors.matching import as_text
from connectors.paging import rows_of
from connectors.sql import transaction, writing_engine
from connectors.unpacking import unpacked
from dsar.connector import Health, Jobs, SearchAnswer, Turns
from dsar.declaration import Declaration, DeclaredObject, Find, Inside, WebRequest, Writes
from dsar.errors import DsarError, SettingsError, SystemContractError, SystemDriftError, SystemRefusedError
from dsar.model import Document, Identifier, PlanStep, Record, StepAction, StepOutcome

_LOGIN_OPTIONS = frozenset(
    {"user", "password", "token", "client_id", "client_secret", "refresh_token", "token_url", "renewed_token_path"}
    | {"authorize_url"}
)
_OTHER_OPTIONS = frozenset(
    {"token_key", "changes", "ca_file", "file_hosts", "residue_url", "residue_ca_file", "residue_folder"}
    | {"timeout_seconds", "patience_seconds"}
)


def open_rest(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "RestReader":
    """A RestEditor where changes have an account, else a RestReader. Raises: SettingsError."""
    if declaration.http is None:
        raise SettingsError([f"system {name}: the declaration has no [http]"])
    needed = needed_options(declaration.http.auth)
    writing = {f"write_{option}" for option in _LOGIN_OPTIONS | needed}
    optional = (_LOGIN_OPTIONS | _OTHER_OPTIONS | writing) - needed
    check_options(name, options, required=needed | {"url"}, optional=frozenset(optional))
    reading = Caller(name, declaration.http, options, login_of)
    separate = {option.removeprefix("write_"): value for option, value in options.items() if option in writing}
    if not separate and options.get("changes") != "on":
        return RestReader(name=name, declaration=declaration, reading=reading)
    changing = Caller(name, declaration.http, {**options, **separate}, login_of) if separate else reading
    database = None
    if "residue_url" in options:
        database = writing_engine(name, options["residue_url"], ca_file=options.get("residue_ca_file"))
    folder = leftovers.folder_of(name, options)
    return RestEditor(
        name=name, declaration=declaration, reading=reading, changing=changing, database=database, folder=folder
    )


class RestReader:
    """Searches a web API, and fetches the documents in it."""

    def __init__(self, *, name: str, declaration: Declaration, reading: Caller) -> None:
        self.name = name
        self._declaration = declaration
        self._reading = reading

    def share(self, turns: Turns) -> None:
        self._reading.turns = turns

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        reads = _Reads(self._reading)
        records, emits = search_rows(reads, self._declaration, identifiers, system=self.name, read_at=read_at)
        return SearchAnswer(records=records, complete=True, emits=emits)

    def fetch(self, record: Record, document: Document) -> bytes:
        declared = self._declaration.object(record.object, record.key)
        number, _, id_ = document.place.partition(":")
        entry = declared.documents[int(number)]
        if entry.request:
            values = {**_key_slots(record.key), "value": id_}
            content = downloads.by_request(self._reading, entry.request, values, document)
        else:
            raw, _ = self._read(self._reading, declared, record.key)
            link = downloads.link_of(declared, document, raw or {})
            content = downloads.by_link(self._reading, link, document) if link else None
        return attached.checked(record, document, content)

    def health(self) -> Health:
        try:
            found = canary_found(_Reads(self._reading), self._declaration)
        except DsarError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=found is not False, detail="the canary person is not found" if found is False else "")

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_, key)
        raw, _ = self._read(self._reading, declared, key)
        if raw is None:
            return None
        row, rows = to_row(self.name, declared, raw), _Reads(self._reading)
        return looked_up(declared, row, system=self.name, read_at=read_at, rows=rows)

    def _read(self, caller: Caller, declared: DeclaredObject, key: str) -> tuple[dict[str, Any] | None, Answer]:
        """The one record with *key*, None if there is none."""
        request = self._web(declared).read
        answer = caller.call(request, _key_slots(key))
        if answer.status in request.nothing:
            return None, answer
        found = jmespath.search(request.rows, answer.body)
        if found is None and not request.null_is_nothing:
            raise SystemContractError(self.name, f"there is no record at {request.rows!r} of its answer")
        places = dict(zip((each.name for each in declared.inside), key.split(":"), strict=False))
        rows = [{**row, **places} for row in ([found] if isinstance(found, dict) else found or [])]
        rows = [whole(caller, declared, row) for row in rows]
        mine = [row for row in rows if to_row(self.name, declared, row).key == key]
        if len(mine) > 1:
            raise SystemContractError(self.name, f"the key of {declared.name!r} names several records")
        return (mine[0] if mine else None), answer

    def _web(self, declared: DeclaredObject) -> Writes:
        if declared.web is None:
            raise SystemContractError(self.name, f"{declared.name!r} has no [web]")
        return declared.web


class RestEditor(plans.Planner, RestReader):
    """Searches, and carries out approved steps."""

    def __init__(
        self,
        *,
        name: str,
        declaration: Declaration,
        reading: Caller,
        changing: Caller,
        database: sa.Engine | None = None,
        folder: Path | None = None,
    ) -> None:
        super().__init__(name=name, declaration=declaration, reading=reading)
        self._changing = changing
        self._database = database
        self._folder = folder
        self._removes_residue = database is not None
        self._cleans_files = folder is not None
        self._jobs: Jobs = Passing()

    def share(self, turns: Turns) -> None:
        super().share(turns)
        self._changing.turns = turns

    def with_jobs(self, jobs: Jobs) -> "RestEditor":
        bound = copy(self)
        bound._jobs = jobs  # noqa: SLF001  # of the same class
        return bound

    def apply(self, step: PlanStep, *, key: str) -> None:
        declared = self._declaration.object(step.object, step.key)
        if declared.web:
            await_begun(self._changing, declared.web, self._jobs)
        raw, answer = self._read(self._changing, declared, step.key)
        row = to_row(self.name, declared, raw) if raw is not None else None
        writes = plans.due_writes(self._declaration, step, row)
        if raw is not None and row is not None and writes != {}:
            if writes is None:
                self._send_all(declared, "remove", self._web(declared).remove, row, raw)
            elif step.action is StepAction.ANONYMISE and (declared.residue or self._web(declared).anonymise):
                self._send_all(declared, "anonymise", self._web(declared).anonymise, row, raw)
                if rare := {column: text for column, text in writes.items() if column not in erased_by(declared)}:
                    raw, answer = self._read(self._changing, declared, step.key)  # with its new ETag
                    self._change(declared, row, raw or {}, rare, answer)
            else:
                self._change(declared, row, raw, writes, answer)
        if self._database is not None and step.action in plans.REMOVING:
            with transaction(self.name, self._database) as connection:
                residue.remove(connection, declared, step.key, plans.values_before(step))
        if self._folder is not None and step.action in plans.REMOVING:
            leftovers.remove(self.name, self._folder, declared, plans.values_before(step))

    def verify(self, step: PlanStep) -> StepOutcome:
        declared = self._declaration.object(step.object, step.key)
        if step.action in {StepAction.TASK, StepAction.KEEP} and not declared.web:
            return plans.outcome(step, None)
        raw, _ = self._read(self._reading, declared, step.key)
        outcome = plans.outcome(step, to_row(self.name, declared, raw) if raw is not None else None)
        if step.action not in plans.REMOVING:
            return outcome
        if self._database is not None:
            with transaction(self.name, self._database) as connection:
                left = residue.count(connection, declared, step.key, plans.values_before(step))
            outcome = plans.with_residue(outcome, left)
        if self._folder is not None:
            left = leftovers.count(self.name, self._folder, declared, plans.values_before(step))
            outcome = plans.with_residue(outcome, left, what="files")
        return outcome

    def _change(
        self, declared: DeclaredObject, row: Row, raw: Mapping[str, Any], writes: Mapping[str, str], read: Answer
    ) -> None:
        web = self._web(declared)
        together = {column: text for column, text in writes.items() if column not in web.change_of}
        if together and web.change is None:
            raise SystemContractError(self.name, f"{declared.name!r} has no request that changes it")
        etag = read.headers.get("ETag") if web.if_match else None
        if web.if_match and not etag:
            raise SystemContractError(self.name, "the record was read without an ETag")
        headers = {"If-Match": etag} if etag else {}
        if together and web.change:
            at = f"{web.change.changes_at}." if web.change.changes_at else ""
            body = {at + _place(declared, name): _typed(declared, raw, name, text) for name, text in together.items()}
            self._send(declared, "change", web.change, slots_of(row), Extra(body=body, headers=headers))
        for column, text in writes.items():
            if column in web.change_of:
                values = {**slots_of(row), "new": text}
                self._send(declared, f"change_of.{column}", web.change_of[column], values, Extra(headers=headers))

    def _send_all(
        self, declared: DeclaredObject, kind: str, requests: Sequence[WebRequest], row: Row, raw: Mapping[str, Any]
    ) -> None:
        for number, request in enumerate(requests):
            found = jmespath.search(request.each, raw) if request.each else [""]
            for each in map(as_text, found or []):
                name = f"{kind}.{number} {each}"
                self._send(declared, name, request, {**slots_of(row), "each": each}, Extra(), gone=True)

    def _send(
        self,
        declared: DeclaredObject,
        name: str,
        request: WebRequest,
        values: Mapping[str, str],
        extra: Extra,
        *,
        gone: bool = False,
    ) -> None:
        """
        Args: name: of the request in its step; gone: whether it is well if what is to be removed is not there.
        Raises: SystemDriftError; SystemRefusedError; as Caller.call.
        """
        web = self._web(declared)
        accept = {412, *web.conflict, *(web.gone if gone else ())}
        answer = sent_once(self._changing, name, request, values, accept=accept, extra=extra, jobs=self._jobs)
        if answer is None:
            return
        if gone and answer.status in web.gone:
            return
        if answer.status == 412:
            raise SystemDriftError(self.name, declared.name)
        if answer.status in web.conflict:
            raise SystemRefusedError(self.name, f"the change meets a conflict ({answer.status})")


class _Reads:
    """The rows of an API during one search; what is asked twice in it is asked once."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._lists: dict[str, list[dict[str, Any]]] = {}

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        for raw in self._rows(declared, find.request, [identifier.value for identifier in identifiers]):
            row = to_row(self._caller.name, declared, raw)
            if any(matching(declared, find, identifier, row) for identifier in identifiers):
                yield self._finished(declared, raw)

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        link = next(each for each in declared.reached_from if each.ours == column)
        for raw in self._rows(declared, link.request, sorted(values)):
            if to_row(self._caller.name, declared, raw).values.get(column) in values:
                yield self._finished(declared, raw)

    def combinations(self, declared: DeclaredObject, columns: Sequence[str]) -> Mapping[tuple[str, ...], int] | None:
        """Over the rows of every list that names nobody; None if there is no such list."""
        lists = [find.request for find in declared.find if find.request and "value" not in find.request.slots]
        if not lists:
            return None
        raws = (raw for request in lists for raw in self._rows(declared, request, ()))
        rows = {row.key: row for raw in raws for row in [to_row(self._caller.name, declared, raw)]}
        return Counter(tuple(row.values[column] for column in columns) for row in rows.values())

    def _finished(self, declared: DeclaredObject, raw: Mapping[str, Any]) -> Row:
        return to_row(self._caller.name, declared, whole(self._caller, declared, raw, later=True))

    def _rows(
        self, declared: DeclaredObject, request: WebRequest | None, values: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        if request is None:
            raise SystemContractError(self._caller.name, f"{declared.name!r} has no request")
        if "value" in request.slots:
            for value in values:
                yield from self._read(declared, request, {"value": value})
            return
        same = f"{declared.name} {request.model_dump_json()}"
        if same not in self._lists:
            self._lists[same] = list(self._read(declared, request, {}))
        yield from self._lists[same]

    def _read(
        self, declared: DeclaredObject, request: WebRequest, values: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        named = any(slot.startswith("inside.") for slot in request.slots)
        for place in self._places(declared) if named else [{}]:
            slots = {**values, **{f"inside.{name}": text for name, text in place.items()}}
            for raw in rows_of(self._caller, request, slots):
                empty: dict[str, Any] = {part.name: [] for part in declared.parts}
                yield whole(self._caller, declared, {**empty, **raw, **place}, later=False)

    def _places(self, declared: DeclaredObject) -> list[dict[str, Any]]:
        """Every place in which records of *declared* lie, as {name of the slot: what names it}."""
        known = f"{declared.name} inside"
        if known not in self._lists:
            places: list[dict[str, Any]] = [{}]
            for each in declared.inside:
                places = [{**around, each.name: name} for around in places for name in self._names(each, around)]
            self._lists[known] = places
        return self._lists[known]

    def _names(self, inside: Inside, around: Mapping[str, str]) -> Iterator[str]:
        slots = {f"inside.{name}": text for name, text in around.items()}
        for row in rows_of(self._caller, inside.request, slots):
            name = as_text(jmespath.search(inside.value, row))
            if not name or ":" in name:
                raise SystemContractError(self._caller.name, f"a {inside.name!r} has no name that can begin a key")
            yield name


def whole(
    caller: Caller, declared: DeclaredObject, raw: Mapping[str, Any], *, later: bool | None = None
) -> dict[str, Any]:
    """The record *raw* with the parts that other requests give: all, only the later ones, or only the others."""
    parts = [part for part in declared.parts if later in {None, part.later}]
    if not parts:
        return dict(raw)
    made = dict(raw)
    for part in parts:
        bare: dict[str, Any] = {**{each.name: [] for each in declared.parts}, **made}
        known = _values(caller.name, declared, bare)  # the key may stand in a part, and a slot want what another gave
        values = slots_of(Row(key=":".join(_key(declared, made, known)), values=known))
        made[part.name] = list(rows_of(caller, part.request, values))
    return made


def erased_by(declared: DeclaredObject) -> Collection[str]:
    """Columns that the requests which anonymise a record overwrite."""
    return declared.erase.set if declared.erase else ()


def slots_of(row: Row) -> dict[str, str]:
    """What the slots of a request about *row* stand for."""
    return {**_key_slots(row.key), **{f"row.{column}": text for column, text in row.values.items()}}


def _key_slots(key: str) -> dict[str, str]:
    return {"key": key, **{f"key.{number}": part for number, part in enumerate(key.split(":"), start=1)}}


def to_row(system: str, declared: DeclaredObject, raw: Mapping[str, Any]) -> Row:
    """Raises: SystemContractError if the row has no key."""
    values = _values(system, declared, raw)
    key = _key(declared, raw, values)
    if not all(key):
        raise SystemContractError(system, f"a row of {declared.name!r} has no {declared.key!r}")
    return Row(key=":".join(key), values=values, documents=tuple(downloads.documents(declared, raw)))


def _key(declared: DeclaredObject, raw: Mapping[str, Any], values: Mapping[str, str]) -> list[str]:
    """What names the record, after the places in which it lies."""
    return [*(as_text(raw.get(each.name)) for each in declared.inside), values[declared.key or ""]]


def _values(system: str, declared: DeclaredObject, raw: Mapping[str, Any]) -> dict[str, str]:
    values = dict.fromkeys(declared.columns, "")
    if declared.key:
        values[declared.key] = as_text(raw.get(declared.key))
    for each in declared.fields:
        values[each.column] = unpacked(system, each, raw.get(each.stored_in or each.column), row=raw)
    return values


def _place(declared: DeclaredObject, column: str) -> str:
    path = declared.field(column).path
    return path if path and path.replace(".", "").replace("_", "").isalnum() else column


def _typed(declared: DeclaredObject, raw: Mapping[str, Any], column: str, text: str) -> object:
    """*text* in the JSON type in which the value stands now."""
    before = jmespath.search(declared.field(column).path or f'"{column}"', raw)
    match before:
        case bool():
            return text in {"1", "true"}
        case int() if text.lstrip("-").isdecimal():
            return int(text)
        case None | list() | dict() if not text:
            return type(before)() if before is not None else None
        case _:
            return text
