"""
The pieces that ReportLab lays out: paragraphs, boxes, rules, tables that go on over pages.

Effects: draw on the canvas they are given.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportlab.platypus import ActionFlowable, BaseDocTemplate, Flowable

from dsar.pdf.style import FOOT, Palette
from dsar.pdf.tagging import artifact, code_of
from dsar.pdf.text import Style, TextBlock, rgb

#: Points between a table cell's edge and its text.
CELL_PADDING = 4.0
#: A row taller than this (points) may be divided between pages; lower rows move to the next page whole.
TALL_ROW = 200.0
#: A table up to this height (points) is not divided where it can stand on the next page whole.
_SMALL_TABLE = 160.0
#: Lines of a paragraph that stay together at the foot and at the top of a page.
_TOGETHER = 2


class Paragraph(Flowable):
    """A block of text by itself."""

    def __init__(self, block: TextBlock, style: Style, palette: Palette) -> None:
        super().__init__()
        self.spaceBefore, self.spaceAfter = style.before, style.after
        self._block, self._style, self._palette = block, style, palette

    def wrap(self, available_width: float, _available_height: float) -> tuple[float, float]:
        padding = self._style.padding
        self._block.wrap(available_width - 2 * padding)
        self.width, self.height = available_width, self._block.height + 2 * padding
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        padding = self._style.padding
        lines = int((available_height - 2 * padding) // self._style.leading)
        left = self._block.lines - lines
        lines -= max(0, _TOGETHER - left)
        if lines < _TOGETHER:
            return []
        parts = self._block.divide(available_width - 2 * padding, lines * self._style.leading)
        return [Paragraph(part, self._style, self._palette) for part in parts or ()]

    def draw(self) -> None:
        padding = self._style.padding
        if padding:
            with artifact(self.canv):
                code_of(self.canv).append(
                    f"q {rgb(self._palette.tint)} rg 0 0 {self.width:.2f} {self.height:.2f} re f "
                    f"{rgb(self._palette.accent)} rg 0 0 3 {self.height:.2f} re f Q"
                )
        self._block.draw(self.canv, padding, self.height - padding)


class Rule(Flowable):
    """A thin line over the whole width."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.spaceBefore, self.spaceAfter = 6, 10
        self._palette = palette

    def wrap(self, available_width: float, _available_height: float) -> tuple[float, float]:
        self.width, self.height = available_width, 0.7
        return self.width, self.height

    def draw(self) -> None:
        with artifact(self.canv):
            code_of(self.canv).append(f"q {rgb(self._palette.line)} RG 0.7 w 0 0 m {self.width:.2f} 0 l S Q")


class Down(Flowable):
    """Nothing, down to a certain height above the lower edge of the page, in points."""

    def __init__(self, height: float) -> None:
        super().__init__()
        self._to = height

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        self.width, self.height = available_width, max(0.0, available_height + FOOT - self._to)
        return self.width, self.height

    def draw(self) -> None:
        """Nothing."""


class More(ActionFlowable):
    """
    Adds the next flowable of a document when its turn has come.

    A document that is laid out while it is drawn needs the room of its longest page, not of all.
    """

    def __init__(self, story: list[Flowable], rest: Iterator[Flowable]) -> None:
        super().__init__()
        self._story, self._rest = story, rest

    def apply(self, _document: BaseDocTemplate) -> None:
        following = next(self._rest, None)
        if following is not None:
            self._story[:0] = [following, self]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    cells: tuple[TextBlock, ...]
    height: float
    ends: bool = True  #: Nothing of it is drawn on a further page.


class PagedTable(Flowable):
    """
    A table with a header that is repeated on every page.

    Its rows are taken and measured when a page has room for them, so that time is linear in the rows and memory is not
    used for them; ReportLab's LongTable wants all at once.
    """

    def __init__(
        self,
        head: tuple[TextBlock, ...],
        rows: Iterator[tuple[TextBlock, ...]],
        widths: Sequence[float],
        palette: Palette,
    ) -> None:
        super().__init__()
        self.spaceBefore, self.spaceAfter = 3, 10
        self._widths, self._palette = tuple(widths), palette
        self._head = self._measure(head)
        self._rows = rows
        self._ahead: deque[_Row] = deque()  #: Taken and not drawn.

    def _measure(self, cells: tuple[TextBlock, ...], *, ends: bool = True) -> _Row:
        heights = [cell.wrap(width - 2 * CELL_PADDING)[1] for cell, width in zip(cells, self._widths, strict=True)]
        return _Row(cells=cells, height=max(heights, default=0) + 2 * CELL_PADDING, ends=ends)

    def _take(self, height: float) -> float:
        """Take rows until there are more than fit into *height*. Returns: the height of all taken."""
        taken = sum(row.height for row in self._ahead)
        while taken <= height and (cells := next(self._rows, None)) is not None:
            row = self._measure(cells)
            self._ahead.append(row)
            taken += row.height
        return taken

    @property
    def least(self) -> float:
        """Height of what must stand together: a small table, or the header and the first row, or a part of that."""
        if (all_rows := self._take(_SMALL_TABLE)) <= _SMALL_TABLE:
            return self._head.height + all_rows
        first = self._ahead[0].height
        return self._head.height + (first if first <= TALL_ROW else TALL_ROW / 4)

    def wrap(self, _available_width: float, available_height: float) -> tuple[float, float]:
        self.width = sum(self._widths)
        self.height = self._head.height + self._take(available_height - self._head.height)
        return self.width, self.height

    def split(self, _available_width: float, available_height: float) -> list[Flowable]:
        left = available_height - self._head.height
        fitting: list[_Row] = []
        while self._ahead and self._ahead[0].height <= left:
            fitting.append(self._ahead.popleft())
            left -= fitting[-1].height
        if self._ahead and self._ahead[0].height > TALL_ROW and (parts := self._divide(self._ahead[0], left)):
            fitting.append(parts[0])
            self._ahead[0] = parts[1]
        if not fitting:
            return []
        return [self._with(iter(()), deque(fitting)), self._with(self._rows, self._ahead)]

    def _with(self, rows: Iterator[tuple[TextBlock, ...]], ahead: deque[_Row]) -> "PagedTable":
        part = PagedTable(self._head.cells, rows, self._widths, self._palette)
        part._ahead = ahead
        return part

    def _divide(self, row: _Row, height: float) -> tuple[_Row, _Row] | None:
        """The part of *row* that fits into *height* and the part that does not; None if not even a line fits."""
        inner = height - 2 * CELL_PADDING
        parts = [
            cell.divide(width - 2 * CELL_PADDING, inner) for cell, width in zip(row.cells, self._widths, strict=True)
        ]
        fitting = [part for part in parts if part is not None]
        if len(fitting) < len(parts):
            return None
        above, below = zip(*fitting, strict=True)
        return self._measure(above, ends=False), self._measure(below)

    def draw(self) -> None:
        top = self.height
        for row in (self._head, *self._ahead):
            self._draw_lines(row, top)
            left = CELL_PADDING
            for cell, width in zip(row.cells, self._widths, strict=True):
                cell.draw(self.canv, left, top - CELL_PADDING)
                left += width
            if row.ends and row is not self._head:
                row.cells[0].fold_row()
            top -= row.height

    def _draw_lines(self, row: _Row, top: float) -> None:
        """The line below a row, and the ground of the header."""
        is_head = row is self._head
        palette, bottom = self._palette, top - row.height
        line = palette.accent if is_head else palette.line
        ground = f"{rgb(palette.tint)} rg 0 {bottom:.2f} {self.width:.2f} {row.height:.2f} re f " if is_head else ""
        with artifact(self.canv):
            code_of(self.canv).append(
                f"q {ground}{rgb(line)} RG {0.8 if is_head else 0.4} w "
                f"0 {bottom:.2f} m {self.width:.2f} {bottom:.2f} l S Q"
            )
