"""
A register that somebody wants to use -> the same register without the rows of those who want no marketing.

Effects: none; the file is given and returned in memory. A CSV file keeps every byte of the other rows; a workbook is
written anew with values alone, without formulas, formats and comments, which may hold what was taken out.
"""

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from openpyxl import Workbook, load_workbook

from connectors.matching import as_text
from connectors.tables import OPEN_XML, SPREADSHEETS, read_csv

#: Cells of a row -> the channels (email, phone, address) by which it is on the list; empty: it is not.
Judge = Callable[[Sequence[str]], Collection[str]]


class UnfitFileError(ValueError):
    """A kind of file that cannot be written back; save it as CSV or XLSX."""


@dataclass(frozen=True, kw_only=True)
class TakenOut:
    """One row that is not in the clean file; what stood in it is told nowhere."""

    sheet: str  #: "" for CSV.
    row: int  #: Number in the file that was given, from 1.
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """What is left of a register."""

    content: bytes
    rows: int  #: That were read, headings and empty rows included.
    taken_out: tuple[TakenOut, ...]


def sift(ending: str, content: bytes, judge: Judge) -> Sifted:
    """
    Args: ending: of the file's name, ".csv". Raises: UnfitFileError; ValueError, csv.Error, OSError, zipfile.BadZipFile
    for a file that cannot be read whole.
    """
    if ending.lower() in OPEN_XML:
        return _sift_workbook(content, judge)
    if ending.lower() in SPREADSHEETS:
        raise UnfitFileError(f"{ending.lower()} files are only read; save it as .xlsx")
    return _sift_csv(content, judge)


def _sift_csv(content: bytes, judge: Judge) -> Sifted:
    text = read_csv(content)
    records = list(text.records())
    taken_out = []
    kept: list[str] = []
    for number, (start, end, cells) in enumerate(records, 1):
        if channels := judge(cells):
            taken_out.append(TakenOut(sheet="", row=number, channels=tuple(sorted(channels))))
        else:
            kept += text.lines[start:end]
    text.lines[:] = kept
    return Sifted(content=text.encoded(), rows=len(records), taken_out=tuple(taken_out))


def _sift_workbook(content: bytes, judge: Judge) -> Sifted:
    read = load_workbook(io.BytesIO(content), data_only=True, read_only=True)
    clean = Workbook(write_only=True)
    taken_out: list[TakenOut] = []
    rows = 0
    for page in read.worksheets:
        sheet = clean.create_sheet(page.title)
        for number, values in enumerate(page.iter_rows(values_only=True), 1):
            rows += 1
            if channels := judge([as_text(value).strip() for value in values]):
                taken_out.append(TakenOut(sheet=page.title, row=number, channels=tuple(sorted(channels))))
            else:
                sheet.append(values)
    read.close()
    out = io.BytesIO()
    clean.save(out)
    return Sifted(content=out.getvalue(), rows=rows, taken_out=tuple(taken_out))
