"""
A folder of CSV and XLSX registers -> what they hold about a person.

Effects: reads the files that match the declared globs below the folder. A file that cannot be read whole makes the
answer incomplete, never "nothing". Hidden sheets are read too.

Options: `folder`.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from connectors import check_options
from connectors.declared import Row, canary_found, search_rows
from connectors.matching import as_text
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SystemUnavailableError
from dsar.model import Identifier

_DELIMITERS = ";,\t|"
_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
#: Without a mark: the first that fits. UTF-8 hardly fits by chance, latin-1 fits always.
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})


class FilesConnector:
    """Searches registers that local offices keep in files."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str]) -> None:
        check_options(name, options, required=frozenset({"folder"}), optional=frozenset())
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

    def _read(self) -> "_Files":
        if not self._folder.is_dir():
            raise SystemUnavailableError(self.name, "the folder is not there")
        return _Files(self._folder, self._declaration)


class _Files:
    """Every row of the declared files, read once."""

    def __init__(self, folder: Path, declaration: Declaration) -> None:
        self.problems: list[str] = []  #: What could not be read, without file names: these can name people.
        self._rows = {declared.name: list(self._read(folder, declared)) for declared in declaration.objects}

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        return iter(self._rows[declared.name])

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        return (row for row in self._rows[declared.name] if row.values[column] in values)

    def _read(self, folder: Path, declared: DeclaredObject) -> Iterator[Row]:
        paths = sorted(path for path in folder.glob(declared.file or "") if path.is_file())
        unread = 0
        for path in paths:
            try:
                rows = [row for sheet in _sheets(path) for row in _rows(sheet, declared, path.relative_to(folder))]
            except (OSError, ValueError, csv.Error, CalamineError):
                unread += 1
            else:
                yield from rows
        if unread:
            self.problems.append(f"{declared.name}: {unread} of {len(paths)} files could not be read whole")
        if not paths:
            self.problems.append(f"{declared.name}: no file is there")


#: Name of a sheet ("" for CSV) and its cells as text.
_Sheet = tuple[str, list[list[str]]]


def _sheets(path: Path) -> Iterator[_Sheet]:
    if path.suffix.lower() not in _SPREADSHEETS:
        yield "", _csv_cells(path.read_bytes())
        return
    with CalamineWorkbook.from_path(path) as workbook:
        for name in workbook.sheet_names:
            cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield name, [[as_text(cell).strip() for cell in row] for row in cells]


def _rows(sheet: _Sheet, declared: DeclaredObject, path: Path) -> Iterator[Row]:
    """Rows below the header, which is the first row that is not empty. Raises: ValueError if it is not as declared."""
    name, cells = sheet
    numbered = [(number, row) for number, row in enumerate(cells, start=1) if any(row)]
    if not numbered:
        return
    header = numbered[0][1]
    if any(header.count(column) != 1 for column in declared.columns):
        raise ValueError("the header is not as declared")
    place = ":".join(filter(None, (path.as_posix(), name)))
    for number, row in numbered[1:]:
        if any(row[len(header) :]):
            raise ValueError("a row is longer than its header")
        stored = dict(zip(header, [*row, *[""] * len(header)], strict=False))
        values = {column: stored[column] for column in declared.columns}
        yield Row(key=f"{place}:{values[declared.key] if declared.key else number}", values=values)


# ------------------------------------------------------------------------------------------------------------ CSV


def _csv_cells(content: bytes) -> list[list[str]]:
    """Raises: csv.Error, ValueError."""
    text = decoded(content)
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return [[cell.strip() for cell in row] for row in reader]


def decoded(content: bytes) -> str:
    """*content* as text: by its byte order mark, as UTF-16 if it is full of zero bytes, else the first that fits."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding)
    if b"\x00" in content[:200]:
        return content.decode("utf-16-be" if content[:1] == b"\x00" else "utf-16-le")
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")
