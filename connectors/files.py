"""
A folder of registers (CSV, spreadsheets) and documents -> what they hold about a person, and approved changes to it.

Effects: reads the files that match the declared globs below the folder, never through a link that leads out of it. A
file that cannot be read whole makes the answer incomplete, never "nothing". Hidden sheets and comments are read too.
With `changes = on` CSV and XLSX files are written back under a lock, with a backup beside them until the change is
verified, and documents are removed.

Options: `folder`; `changes = on`.
"""

import csv
import hashlib
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from python_calamine import CalamineError

from connectors import attached, check_options, editing, plans
from connectors.applications import criminal_record_in
from connectors.declared import Row, canary_found, looked_up, search_rows
from connectors.documents import text_of
from connectors.tables import COMMENTS, Sheet, sheets
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredDocument, DeclaredObject, Find
from dsar.errors import SystemContractError, SystemDriftError, SystemUnavailableError
from dsar.model import Document, Identifier, PlanStep, Record, StepAction, StepOutcome

_UNREADABLE = (OSError, ValueError, KeyError, csv.Error, CalamineError, zipfile.BadZipFile)


def open_files(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "FilesConnector":
    """A FilesEditor with `changes = on`, else a FilesConnector. Raises: SettingsError."""
    kind = FilesEditor if options.get("changes") == "on" else FilesConnector
    return kind(name=name, declaration=declaration, options=options)


class FilesConnector:
    """Searches registers and documents that local offices keep in files, and hands the documents over."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str]) -> None:
        check_options(name, options, required=frozenset({"folder"}), optional=frozenset({"changes"}))
        self.name = name
        self._declaration = declaration
        self._folder = Path(options["folder"])

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        files = self._read()
        records, emits = search_rows(files, self._declaration, identifiers, system=self.name, read_at=read_at)
        detail = "; ".join(files.problems)
        return SearchAnswer(records=records, complete=not detail, emits=emits, detail=detail)

    def health(self) -> Health:
        try:
            files = self._read()
        except SystemUnavailableError as error:
            return Health(ok=False, detail=str(error))
        found = canary_found(files, self._declaration)
        problems = [*files.problems, *(["the canary person is not found"] if found is False else [])]
        return Health(ok=not problems, detail="; ".join(problems))

    def fetch(self, record: Record, document: Document) -> bytes:
        path = self._folder / document.place
        if not path.is_file():
            return attached.checked(record, document, None)
        try:
            _demand_inside(path, self._folder)
            return attached.checked(record, document, path.read_bytes())
        except (OSError, ValueError):
            raise SystemUnavailableError(self.name, "a document cannot be read") from None

    def _read(self) -> "_Files":
        if not self._folder.is_dir():
            raise SystemUnavailableError(self.name, "the folder is not there")
        return _Files(self._folder, self._declaration)


class FilesEditor(plans.Planner, FilesConnector):
    """Searches, and carries out approved steps in the files."""

    def apply(self, step: PlanStep, *, key: str) -> None:
        declared = self._declaration.object(step.object, step.key)
        path, sheet, _ = self._split(declared, step.key)
        with editing.locked(self.name, path):
            row, number, rest = self._current(declared, step)
            if row is None and step.document_sha256:
                self._demand_gone(declared, step)
            writes = plans.due_writes(self._declaration, step, row)
            if row is None or writes == {}:
                return
            if writes is None:
                # Before the row: if this is interrupted, the row still tells which documents are its own.
                shared = {each.place for other in rest for each in other.documents}
                for each in row.documents:
                    if each.place not in shared:
                        (self._folder / each.place).unlink(missing_ok=True)
            if declared.content == "table":
                editing.rewrite(self.name, path, sheet=sheet, row=number, writes=writes)

    def verify(self, step: PlanStep) -> StepOutcome:
        declared = self._declaration.object(step.object, step.key)
        row, _, _ = self._current(declared, step)
        outcome = plans.outcome(step, row)
        if outcome.done:
            # The backup holds what was erased; it has served when the change has been read back.
            editing.remove_backup(self._split(declared, step.key)[0])
        return outcome

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_, key)
        if declared.content == "table" and not declared.key:
            raise SystemContractError(self.name, "its rows have only their numbers for names, and others move up")
        row, _, _ = self._by_key(declared, key)
        if row is None:
            return None
        rows = _Files(self._folder, self._declaration)
        return looked_up(declared, row, system=self.name, read_at=read_at, rows=rows)

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        # From the last row to the first: what is named by its number keeps its number until its turn comes.
        steps = super().plan_erase(sorted(records, key=_place_of, reverse=True))
        known = {each.key: self._sha256_of(each) for each in records}
        return tuple(replace(step, document_sha256=known[step.key]) for step in steps)

    def _sha256_of(self, record: Record) -> str:
        is_document = self._declaration.object(record.object, record.key).content == "document"
        return next((each.sha256 or "" for each in record.documents if is_document), "")

    def _current(self, declared: DeclaredObject, step: PlanStep) -> tuple[Row | None, int, Sequence[Row]]:
        """
        As _by_key. A row that has only its number for a name is told by all that stands in it, for others move up.

        Raises: SystemDriftError if no row holds all of that, and one still holds something of the person.
        """
        row, number, rest = self._by_key(declared, step.key)
        if declared.key or step.action is not StepAction.ERASE:
            return row, number, rest
        before = {change.path: change.before for change in step.changes if change.before}
        if row is None or _holds_all(row, before):
            return row, number, rest
        person = {each.column for each in declared.fields if each.category in {"identity", "contact"}}
        mine = {text for path, text in before.items() if path in person}
        if any(mine & {each.values[column] for column in person} for each in (row, *rest)):
            raise SystemDriftError(self.name, declared.name)
        return None, 0, rest

    def _demand_gone(self, declared: DeclaredObject, step: PlanStep) -> None:
        """
        A document that is not where it was is gone only if it is nowhere else in the folder: people rename and sort.

        Raises: SystemDriftError if it is; SystemUnavailableError if a file cannot be read, so that nobody knows (P7).
        """
        try:
            places = [path for path in self._folder.glob(declared.file or "") if path.is_file() and not _is_ours(path)]
            found = any(_sha256_of(path) == step.document_sha256 for path in places)
        except OSError:
            raise SystemUnavailableError(self.name, "a document is gone or moved, and not all can be read") from None
        if found:
            raise SystemDriftError(self.name, declared.name)

    def _by_key(self, declared: DeclaredObject, key: str) -> tuple[Row | None, int, Sequence[Row]]:
        """(row, its number in the sheet from 1, the other rows of the file), (None, 0, ...) if it is gone."""
        path, _, _ = self._split(declared, key)
        if not path.exists():
            return None, 0, ()
        try:
            rows = list(_rows(path, declared, self._folder))
        except _UNREADABLE:
            raise SystemUnavailableError(self.name, "the file cannot be read whole") from None
        found = [(row, number) for row, number in rows if row.key == key]
        if len(found) > 1:
            raise SystemContractError(self.name, f"the key of {declared.name!r} names several rows")
        return *(found[0] if found else (None, 0)), [row for row, _ in rows if row.key != key]

    def _split(self, declared: DeclaredObject, key: str) -> tuple[Path, str, str]:
        """
        (file, sheet, key in it); of a document that is gone a path that leads nowhere.

        Raises: SystemContractError if no declared file is meant; SystemUnavailableError if the folder is not mounted.
        """
        paths = list(self._folder.glob(declared.file or ""))
        for path in paths:
            place = path.relative_to(self._folder).as_posix()
            if declared.content == "document" and key == place:
                return path, "", ""
            if key.startswith(f"{place}#") and declared.content == "table":
                sheet, _, rest = key.removeprefix(f"{place}#").rpartition("!")
                return path, sheet, rest
        if declared.content == "document":
            # The canary's own document is never erased: where there is none, nothing can be read back (P7).
            is_empty = self._declaration.canary and not any(path.is_file() and not _is_ours(path) for path in paths)
            if is_empty or not self._folder.is_dir():
                raise SystemUnavailableError(self.name, "the folder is not there")
            return self._folder / "gone", "", ""
        raise SystemContractError(self.name, "a step names no file of the declaration")


class _Files:
    """Every row of the declared files, read once."""

    def __init__(self, folder: Path, declaration: Declaration) -> None:
        self.problems: list[str] = []  #: What could not be read, without file names: these can name people.
        self._rows = {_named(declared): list(self._read(folder, declared)) for declared in declaration.objects}

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        return iter(self._rows[_named(declared)])

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        return (row for row in self._rows[_named(declared)] if row.values[column] in values)

    def combinations(self, declared: DeclaredObject, columns: Sequence[str]) -> Mapping[tuple[str, ...], int] | None:
        if self.problems:
            return None
        return Counter(tuple(row.values[column] for column in columns) for row in self._rows[_named(declared)])

    def _read(self, folder: Path, declared: DeclaredObject) -> Iterator[Row]:
        paths = sorted(path for path in folder.glob(declared.file or "") if path.is_file() and not _is_ours(path))
        unread = missing = 0
        for path in paths:
            try:
                rows = [row for row, _ in _rows(path, declared, folder)]
            except _UNREADABLE:
                unread += 1
            else:
                missing += sum(not (folder / each.place).is_file() for row in rows for each in row.documents)
                yield from rows
        if unread:
            self.problems.append(f"{declared.name}: {unread} of {len(paths)} files could not be read whole")
        if missing:
            self.problems.append(f"{declared.name}: {missing} documents that are named are not there")
        if not paths and declared.content == "table":
            self.problems.append(f"{declared.name}: no file is there")


def _named(declared: DeclaredObject) -> tuple[str, str | None, str | None]:
    return declared.name, declared.file, declared.sheet


def _place_of(record: Record) -> tuple[str, int]:
    place = record.key.rstrip("0123456789")
    return place, int(record.key[len(place) :] or 0)


def _holds_all(row: Row, before: Mapping[str, str]) -> bool:
    return {column: text for column, text in row.values.items() if text} == before


def _is_ours(path: Path) -> bool:
    """Our own backup or lock, or the lock file of an office program."""
    return path.name.startswith((editing.OUR_PREFIX, "~$", ".~lock."))


def _rows(path: Path, declared: DeclaredObject, folder: Path) -> Iterator[tuple[Row, int]]:
    """Rows of one file with their numbers. Raises: _UNREADABLE."""
    _demand_inside(path, folder)
    place = path.relative_to(folder)
    if declared.content == "document":
        text = text_of(path)
        values = {
            "file": place.as_posix(),
            "text": text,
            "modified": datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo("Europe/Stockholm")).date().isoformat(),
            "criminal": criminal_record_in(path.name, text),
        }
        itself = _document(DeclaredDocument(label=declared.label, file="file"), values, folder)
        yield Row(key=place.as_posix(), values=values, documents=(replace(itself, sha256=_sha256_of(path)),)), 0
        return
    for sheet in sheets(path):
        if declared.sheet not in {None, sheet.name}:
            continue
        for row, number in _rows_of(sheet, declared, place):
            named = (each for each in declared.documents if row.values[each.file or ""])
            yield replace(row, documents=tuple(_document(each, row.values, folder) for each in named)), number


def _document(declared: DeclaredDocument, values: Mapping[str, str], folder: Path) -> Document:
    """Also of a file that is named and not there. Raises: OSError, ValueError if it is not in the folder."""
    # Registers are kept in office programs, which write paths with the signs of their own system.
    path = folder / values[declared.file or ""].replace("\\", "/")
    _demand_inside(path, folder)
    size = path.stat().st_size if path.is_file() else None
    return attached.told(declared, values, place=path.relative_to(folder).as_posix(), name=path.name, size=size)


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _demand_inside(path: Path, folder: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("a link leads out of the folder")


def _rows_of(sheet: Sheet, declared: DeclaredObject, path: Path) -> Iterator[tuple[Row, int]]:
    """Rows below the header, which is the first row that is not empty. Raises: ValueError if it is not as declared."""
    first, header = sheet.header()
    if not header:
        return
    wanted = [column for column in declared.columns if column != COMMENTS]
    if any(header.count(column) != 1 for column in wanted):
        raise ValueError("the header is not as declared")
    if sheet.comments and COMMENTS not in declared.columns:
        raise ValueError("there are comments, and the declaration does not say what they are")
    place = f"{path.as_posix()}#{sheet.name}!" if sheet.name else f"{path.as_posix()}#"
    for number, row in enumerate(sheet.cells[first:], start=first + 1):
        if not any(row) and number not in sheet.comments:
            continue
        if any(row[len(header) :]):
            raise ValueError("a row is longer than its header")
        stored = dict(zip(header, [*row, *[""] * len(header)], strict=False))
        values = {column: stored[column] for column in wanted}
        if COMMENTS in declared.columns:
            values[COMMENTS] = sheet.comments.get(number, "")
        key = values[declared.key] if declared.key else str(number)
        yield Row(key=f"{place}{key}", values=values), number
