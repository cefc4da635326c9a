"""
(workbook, row, values) -> a workbook with that one row changed or gone and everything else as it was.

Effects: reads one file and writes another. A workbook that would lose something by being written is refused.
"""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet

from connectors.tables import COMMENTS, workbook
from dsar.errors import SystemContractError, SystemRefusedError

#: Parts of a workbook that are lost when it is written again.
_LOST = ("xl/charts/", "xl/media/", "xl/pivottables/", "xl/slicers/", "xl/drawings/drawing", "xl/embeddings/")


def write(system: str, path: Path, target: Path, *, sheet: str, row: int, writes: Mapping[str, str] | None) -> None:
    """Raises: SystemRefusedError; SystemContractError."""
    with zipfile.ZipFile(path) as archive:
        if any(name.lower().startswith(_LOST) for name in archive.namelist()):
            raise SystemRefusedError(system, "the workbook holds charts or pictures, which writing it would lose")
    book = workbook(path, keep_vba=path.suffix.lower() == ".xlsm", rich_text=True)
    page = book[sheet]
    if not isinstance(page, Worksheet):
        raise SystemContractError(system, "the sheet is no table")
    if any(isinstance(cell, MergedCell) for cell in page[row]):
        raise SystemRefusedError(system, "the row has merged cells")
    if writes is None:
        _take_out(book, page, row)
    else:
        _set(page, row, writes)
    _place_links(page)
    book.save(target)
    book.close()


def _set(page: Worksheet, row: int, writes: Mapping[str, str]) -> None:
    columns = _columns(page)
    for cell in page[row]:
        text = writes.get(columns.get(cell.column or 0, ""))
        if text is not None:
            cell.hyperlink = None  # a spreadsheet program makes mailto: links of addresses by itself
        if text == "":
            cell.value = None
        elif text is not None and isinstance(cell.value, int) and text.isdecimal():
            cell.value = int(text)
        elif text is not None:
            cell.value, cell.data_type = text, "s"
        if COMMENTS in writes:
            cell.comment = None


def _place_links(page: Worksheet) -> None:
    """openpyxl writes the links that it read, whatever has become of their cells since."""
    links = vars(page)["_hyperlinks"]
    links.clear()
    for line in page.iter_rows():
        for cell in line:
            if cell.hyperlink:
                cell.hyperlink.ref = cell.coordinate
                links.append(cell.hyperlink)


def _columns(page: Worksheet) -> dict[int, str]:
    """{number of a column: its heading}"""
    for row in page.iter_rows():
        found = {cell.column: str(cell.value).strip() for cell in row if cell.value is not None and cell.column}
        if found:
            return found
    return {}


# ------------------------------------------------------------------------------------------------------ taking out


def _take_out(book: Workbook, page: Worksheet, row: int) -> None:
    """Without a gap where that changes the meaning of nothing else; else the row stays, empty."""
    for cell in page[row]:
        cell.value = cell.comment = cell.hyperlink = None
    if any(_points_at_rows(book)) or not all(_may_stay(each, row) for each in _ranges(page)):
        return
    page.delete_rows(row)
    # What openpyxl leaves where it was: the heights of rows, the ends of tables and filters.
    heights = {at: each.height for at, each in page.row_dimensions.items() if at > row}
    for at in sorted(heights):
        page.row_dimensions[at - 1].height = heights[at]
        page.row_dimensions[at].height = None
    for each in (page, *page.tables.values()):
        filter_ = each.auto_filter if isinstance(each, Worksheet) else each.autoFilter
        if filter_ is not None and filter_.ref:
            filter_.ref = _shorter(filter_.ref, row)
    for table in page.tables.values():
        table.ref = _shorter(table.ref, row)


def _points_at_rows(book: Workbook) -> Iterator[bool]:
    """Formulas and names count rows, on whichever sheet; a row that moves would change what they say."""
    yield bool(book.defined_names)
    for page in book.worksheets:
        yield bool(page.defined_names or page.print_area or page.print_title_rows)
        yield from (cell.data_type == "f" for line in page.iter_rows() for cell in line)
        # A list in quotes is said in the rule itself.
        for rule in page.data_validations.dataValidation:
            yield any(text and not str(text).startswith('"') for text in (rule.formula1, rule.formula2))


def _ranges(page: Worksheet) -> Iterator[CellRange]:
    yield from page.merged_cells.ranges
    for rule in page.data_validations.dataValidation:
        yield from rule.sqref.ranges
    for formatting in page.conditional_formatting:
        yield from formatting.sqref.ranges
    for table in page.tables.values():
        yield CellRange(table.ref)


def _may_stay(range_: CellRange, row: int) -> bool:
    """Whether it means the same after *row* is gone: it ends above, or begins above and reaches beyond."""
    return range_.max_row < row or range_.min_row < row < range_.max_row


def _shorter(ref: str, row: int) -> str:
    range_ = CellRange(ref)
    if range_.min_row < row <= range_.max_row:
        range_.shrink(bottom=1)
    return range_.coord
