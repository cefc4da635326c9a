"""
A CSV file or a spreadsheet -> its sheets as cells of text, and where each row stands.

Effects: reads the file.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from python_calamine import CalamineWorkbook

from connectors.matching import as_text

if TYPE_CHECKING:
    from openpyxl import Workbook

_DELIMITERS = ";,\t|"
#: Byte order mark -> the encoding of what follows it.
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
#: Without a mark: the first that fits. UTF-8 hardly fits by chance, latin-1 fits always.
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
#: Those whose comments are read and that can be written back.
OPEN_XML = frozenset({".xlsx", ".xlsm"})
#: No register is larger; a file of a thousandth of that can say that it is (a "zip bomb").
LARGEST_UNPACKED_BYTES = 500_000_000
#: Declared column that takes the comments on the cells of a row.
COMMENTS = "#comments"


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table of a file."""

    name: str  #: "" for CSV.
    cells: list[list[str]]
    comments: Mapping[int, str] = field(
        default_factory=dict
    )  #: Number of a row from 1 -> what is written to its cells.

    def header(self) -> tuple[int, list[str]]:
        """(number from 1, columns) of the first row that is not empty; (0, []) if all are."""
        return next(((number, row) for number, row in enumerate(self.cells, start=1) if any(row)), (0, []))


@dataclass(frozen=True, kw_only=True)
class CsvText:
    """A CSV file as text, with all that is needed to write it back as it was."""

    lines: list[str]  #: With their ends.
    mark: bytes
    encoding: str
    delimiter: str

    def records(self) -> Iterator[tuple[int, int, list[str]]]:
        """(first line, line after the last, cells) of each record. Raises: csv.Error, also for an open quote."""
        reader = csv.reader(iter(self.lines), delimiter=self.delimiter, strict=True)
        start = 0
        for row in reader:
            yield start, reader.line_num, [cell.strip() for cell in row]
            start = reader.line_num

    def encoded(self) -> bytes:
        """Raises: UnicodeEncodeError if the file's encoding lacks a character."""
        return self.mark + "".join(self.lines).encode(self.encoding)


def read_csv(content: bytes) -> CsvText:
    """Raises: ValueError."""
    mark, encoding = encoding_of(content)
    lines = list(io.StringIO(content[len(mark) :].decode(encoding), newline=""))
    first = next((line for line in lines if line.strip()), "")
    return CsvText(lines=lines, mark=mark, encoding=encoding, delimiter=max(_DELIMITERS, key=first.count))


def sheets(path: Path) -> Iterator[Sheet]:
    """Every sheet, hidden ones too. Raises: OSError, ValueError, csv.Error, CalamineError."""
    yield from sheets_of(path.suffix, path.read_bytes())


def sheets_of(ending: str, content: bytes) -> Iterator[Sheet]:
    """As sheets, of a file in memory. Args: ending: of its name, ".xlsx"."""
    if ending.lower() not in SPREADSHEETS:
        yield Sheet(name="", cells=[cells for _, _, cells in read_csv(content).records()])
        return
    _demand_unpacked_size(content)
    comments = _comments(content) if ending.lower() in OPEN_XML else {}
    with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
        for name in workbook.sheet_names:
            cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
            texts = [[as_text(cell).strip() for cell in row] for row in cells]
            yield Sheet(name=name, cells=texts, comments=comments.get(name, {}))


def _demand_unpacked_size(content: bytes) -> None:
    """Raises: ValueError if it is an archive (all but .xls are) that would fill the memory."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_UNPACKED_BYTES:
                raise ValueError("the file is larger than any should be")


def _comments(content: bytes) -> dict[str, dict[int, str]]:
    """{sheet: {row: comments}}; threaded comments keep their text in the old kind, too."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if not any("comments" in name.lower() for name in archive.namelist()):
            return {}
    found: dict[str, dict[int, str]] = {}
    book = workbook(io.BytesIO(content))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            said = [cell.comment.text.strip() for cell in row if cell.comment]
            if said and row[0].row:
                found.setdefault(sheet.title, {})[row[0].row] = "\n".join(said)
    book.close()
    return found


def workbook(file: Path | BinaryIO, **options: bool) -> "Workbook":
    """A workbook that can be written back. Args: options: openpyxl's. Raises: OSError; ValueError."""
    from openpyxl import load_workbook  # slow to load, and every command opens the connectors

    try:
        return load_workbook(file, **options)
    except (
        SyntaxError,
        TypeError,
        AttributeError,
        IndexError,
    ) as error:  # of XML, and of what the library expects of it
        raise ValueError(f"the workbook is not whole ({type(error).__name__})") from None


def encoding_of(content: bytes) -> tuple[bytes, str]:
    """(byte order mark, encoding): by the mark, as UTF-16 if it is full of zero bytes, else the first that fits."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return mark, encoding
    if b"\x00" in content[:200]:
        return b"", "utf-16-be" if content[:1] == b"\x00" else "utf-16-le"
    for encoding in _ENCODINGS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return b"", encoding
    raise AssertionError("latin-1 decodes everything")


def decoded(content: bytes) -> str:
    """Raises: ValueError."""
    mark, encoding = encoding_of(content)
    return content[len(mark) :].decode(encoding)
