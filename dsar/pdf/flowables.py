"""
The pieces that ReportLab lays out: tagged paragraphs, rules, tables that go on over pages.

Effects: draw on the canvas they are given.
"""

import copy
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, HRFlowable, Paragraph

from dsar.pdf.cells import PlainCell, is_right_to_left
from dsar.pdf.tagging import Element, Heading, Tags, artifact, code_of

INK = colors.HexColor("#1d2730")
ACCENT = colors.HexColor("#1f4e6b")
LINE = colors.HexColor("#c5ced6")
TINT = colors.HexColor("#eef3f7")

#: Points between a table cell's edge and its text.
CELL_PADDING = 4.0
#: A row taller than this (points) may be divided between pages; lower rows move to the next page whole.
TALL_ROW = 200.0


class TaggedParagraph(Paragraph):
    """A paragraph whose text is marked as one element, also where it is divided between pages."""

    tags: Tags
    element: Element
    plain: str = ""

    @classmethod
    def of(
        cls, markup: str, plain: str, style: ParagraphStyle, tags: Tags, element: Element, bullet: str | None = None
    ) -> "TaggedParagraph":
        """Args: markup: escaped, with ReportLab's <b>, <i>, <br/>; plain: the same text without them."""
        paragraph = cls(markup, style, bulletText=bullet)
        paragraph.tags, paragraph.element, paragraph.plain = tags, element, plain
        return paragraph

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        parts = super().split(available_width, available_height)
        for part in parts:
            if isinstance(part, TaggedParagraph):
                part.tags, part.element, part.plain = self.tags, self.element, self.plain
        return parts

    def divide(self, width: float, height: float) -> tuple["TaggedParagraph", "TaggedParagraph"] | None:
        """The part that fits into *height* and the rest, which may be empty; None if not even a line fits."""
        rest = TaggedParagraph.of("", "", self.style, self.tags, self.element)
        if self.height <= height:
            return self, rest
        match self.split(width, height):
            case [TaggedParagraph() as above, TaggedParagraph() as below]:
                return above, below
        return None

    def draw(self) -> None:
        if self.element.type == "TH" and self.element.marks:  # the header of a table that goes on
            with artifact(self.canv, "Pagination"):
                super().draw()
            return
        if self.element.type[1:].isdigit() and not self.element.marks:
            self.tags.headings.append(
                Heading(
                    level=int(self.element.type[1:]),
                    title=self.plain,
                    page=self.canv.getPageNumber() - 1,
                    top=self.canv.absolutePosition(0, self.height)[1],
                )
            )
        lines = self.blPara.lines  # type: ignore[attr-defined]  # the stubs do not know it
        if len(lines) > 1 or self.element.marks or is_right_to_left(self.plain):
            self.element.text = self.plain
        with self.tags.marked(self.canv, self.element):
            super().draw()


class Rule(HRFlowable):
    """A thin line over the whole width."""

    def __init__(self) -> None:
        super().__init__(width="100%", thickness=0.7, color=LINE, spaceBefore=6, spaceAfter=10)

    def draw(self) -> None:
        with artifact(self.canv):
            super().draw()


#: What a table is made of: text in one face, or a paragraph with words in bold or italic.
Cell = TaggedParagraph | PlainCell


@dataclass(frozen=True, kw_only=True)
class _Row:
    cells: tuple[Cell, ...]
    height: float


class PagedTable(Flowable):
    """
    A table with a header that is repeated on every page.

    Each row is measured once, so the time is linear in the rows; that of ReportLab's LongTable grows faster.
    """

    def __init__(self, head: tuple[Cell, ...], rows: Iterable[tuple[Cell, ...]], widths: Sequence[float]) -> None:
        super().__init__()
        self.spaceBefore, self.spaceAfter = 3, 10
        self._widths = tuple(widths)
        self._head = self._measure(head)
        self._all = [self._measure(row) for row in rows]
        self._below = [0.0, *itertools.accumulate(row.height for row in self._all)]
        self._start, self._end = 0, len(self._all)
        self._first: _Row | None = None  #: What the page before had no room for.
        self._last: _Row | None = None  #: What this page has room for.

    def _part(self, start: int, end: int, *, first: _Row | None, last: _Row | None = None) -> "PagedTable":
        """The rows from *start* to before *end* as a table of its own, with parts of rows at its ends."""
        part = copy.copy(self)
        vars(part).update(_start=start, _end=end, _first=first, _last=last)
        vars(part).pop("_postponed", None)  # ReportLab's mark of what was moved to the next page already
        return part

    def _rows(self) -> Iterator[_Row]:
        if self._first is not None:
            yield self._first
        yield from itertools.islice(self._all, self._start, self._end)
        if self._last is not None:
            yield self._last

    def _measure(self, cells: tuple[Cell, ...]) -> _Row:
        heights = [cell.wrap(width - 2 * CELL_PADDING, 1e6)[1] for cell, width in zip(cells, self._widths, strict=True)]
        return _Row(cells=cells, height=max(heights, default=0) + 2 * CELL_PADDING)

    def wrap(self, _available_width: float, _available_height: float) -> tuple[float, float]:
        ends = sum(row.height for row in (self._first, self._last) if row is not None)
        rows = self._below[self._end] - self._below[self._start]
        self.width, self.height = sum(self._widths), self._head.height + ends + rows
        return self.width, self.height

    def split(self, _available_width: float, available_height: float) -> list[Flowable]:
        left = available_height - self._head.height
        first = self._first
        if first is not None:
            if first.height > left:
                parts = self._divide(first, left)
                if parts is None:
                    return []
                above, below = parts
                return [
                    self._part(self._start, self._start, first=above),
                    self._part(self._start, self._end, first=below),
                ]
            left -= first.height
        end = self._start
        while end < self._end and self._all[end].height <= left:
            left -= self._all[end].height
            end += 1
        if end == self._end:
            return [self]
        row = self._all[end]
        parts = self._divide(row, left) if row.height > TALL_ROW else None
        if parts is not None:
            return [
                self._part(self._start, end, first=first, last=parts[0]),
                self._part(end + 1, self._end, first=parts[1]),
            ]
        if end == self._start and first is None:
            return []
        return [self._part(self._start, end, first=first), self._part(end, self._end, first=None)]

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
        return self._measure(above), self._measure(below)

    def draw(self) -> None:
        top = self.height
        for row in (self._head, *self._rows()):
            self._draw_lines(row, top)
            left = CELL_PADDING
            for cell, width in zip(row.cells, self._widths, strict=True):
                cell.wrap(width - 2 * CELL_PADDING, 1e6)
                cell.drawOn(self.canv, left, top - CELL_PADDING - cell.height)
                left += width
            top -= row.height

    def _draw_lines(self, row: _Row, top: float) -> None:
        """The line below a row, and the ground of the header."""
        is_head = row is self._head
        line, bottom = (ACCENT if is_head else LINE), top - row.height
        ground = f"{_rgb(TINT)} rg 0 {bottom:.2f} {self.width:.2f} {row.height:.2f} re f " if is_head else ""
        with artifact(self.canv):
            code_of(self.canv).append(
                f"q {ground}{_rgb(line)} RG {0.8 if is_head else 0.4} w "
                f"0 {bottom:.2f} m {self.width:.2f} {bottom:.2f} l S Q"
            )


def _rgb(color: colors.Color) -> str:
    return f"{color.red:.3f} {color.green:.3f} {color.blue:.3f}"
