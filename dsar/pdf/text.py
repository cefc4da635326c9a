"""
Runs of text -> lines in a column, drawn and marked.

Effects: draws on the canvas it is given. ReportLab's paragraphs take ten times as long, take markup, and put several
lines of Arabic into the wrong order; these are broken as text is stored, and each line is then put as it is seen. Where
that differs, whoever copies or listens gets the text as it was stored.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from reportlab.lib.colors import Color
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from dsar.pdf.fonts import divided, showable, width
from dsar.pdf.scripts import as_seen, begins_at_right, is_right_to_left, is_simple, shaped
from dsar.pdf.tagging import Element, Tags, artifact, code_of, spoken

#: Octets that a PDF string cannot hold as they are (ISO 32000-1 section 7.3.4.2).
_ESCAPED = {octet: f"\\{octet:03o}" for octet in (*range(32), 40, 41, 92, *range(127, 256))}

#: Points from the beginning of a list's mark to that of its text.
_MARK_ROOM = 13.0

#: Points that no line is long enough to reach.
_ENDLESS = 1e6

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a block of text looks; all lengths in points."""

    size: float
    leading: float
    color: Color
    bold: bool = False
    align: Align = "left"
    before: float = 0
    after: float = 0
    indent: float = 0  #: On the left, beside the margins of what the block stands in.
    padding: float = 0  #: Between the text and the edges of its ground, which is painted if this is not 0.


class Run(NamedTuple):
    """A stretch of text in one face."""

    text: str
    bold: bool = False
    italic: bool = False
    page_of: str = ""  #: Name of the drawing that shows a page's number; the text only keeps room for it.


class Mark(NamedTuple):
    """What stands before the first line of a list's item."""

    text: str
    element: Element


class TextBlock:
    """A paragraph, or the text of a cell."""

    __slots__ = ("_lines", "_mark", "_runs", "_style", "_tags", "_text", "_width", "element", "height")

    def __init__(
        self, runs: Sequence[Run], style: Style, tags: Tags, element: Element, mark: Mark | None = None
    ) -> None:
        """Args: runs: of showable text."""
        self._runs = runs
        self._text = runs[0].text if len(runs) == 1 else "".join(run.text for run in runs)
        self._style = style
        self._tags = tags
        self._mark = mark
        self.element = element
        self._width = -1.0
        self._lines: list[tuple[int, int]] = []
        self.height = 0.0

    def wrap(self, room: float, _height: float = 0) -> tuple[float, float]:
        """Break into lines of at most *room* points. Returns: (width, height) in points."""
        if room != self._width:
            self._width, style = room, self._style
            self._lines = list(_broken(self._text, room - style.indent, width(" ", style.size), self._measure()))
            self.height = len(self._lines) * style.leading
        return room, self.height

    def divide(self, room: float, height: float) -> tuple["TextBlock", "TextBlock"] | None:
        """The part that fits into *height* and the rest, which may be empty; None if not even a line fits."""
        self.wrap(room)
        fitting = max(0, int(height // self._style.leading))
        if self._lines and not fitting:
            return None
        return self._part(self._lines[:fitting], self._mark), self._part(self._lines[fitting:], None)

    def _part(self, lines: list[tuple[int, int]], mark: Mark | None) -> "TextBlock":
        part = TextBlock(self._runs, self._style, self._tags, self.element, mark)
        part._width, part._lines, part.height = self._width, lines, len(lines) * self._style.leading
        return part

    @property
    def lines(self) -> int:
        """How many lines there are, once it is wrapped."""
        return len(self._lines)

    def _measure(self) -> Callable[[int, int], float]:
        """What gives the width of the text from one place to another, in points."""
        size, text = self._style.size, self._text
        if len(self._runs) == 1:
            only = self._runs[0]
            return lambda start, end: width(shaped(text[start:end]), size, bold=only.bold, italic=only.italic)
        return lambda start, end: sum(
            width(shaped(run.text), size, bold=run.bold, italic=run.italic) for run in self._between(start, end)
        )

    def _between(self, start: int, end: int) -> Iterator[Run]:
        """The runs of one line."""
        if len(self._runs) == 1:
            yield Run(self._text[start:end], *self._runs[0][1:])
            return
        begin = 0
        for run in self._runs:
            inside = run.text[max(0, start - begin) : max(0, end - begin)]
            if inside:
                yield run._replace(text=inside)
            begin += len(run.text)

    def draw(self, canvas: Canvas, left: float, top: float) -> None:
        """Draw below *top*."""
        if self.element.type == "TH" and self.element.marks:  # the header of a table that goes on
            with artifact(canvas, "Pagination"):
                self.draw_unmarked(canvas, left, top)
            return
        if self.element.is_heading and not self.element.marks:
            title = self._text.replace("\n", " ")
            self._tags.heading(canvas, self.element, title, top=canvas.absolutePosition(0, top)[1])
        if is_right_to_left(self._text):
            self.element.text = self._text
        if self._mark is not None:
            self._draw_mark(canvas, self._mark, left, top)
        with self._tags.marked(canvas, self.element):
            self.draw_unmarked(canvas, left, top)

    def fold_row(self) -> None:
        """Nothing more will be drawn of the row of a table in which this is a cell."""
        self._tags.fold(self.element)

    def _draw_mark(self, canvas: Canvas, mark: Mark, left: float, top: float) -> None:
        style, code = self._style, code_of(canvas)
        with self._tags.marked(canvas, mark.element):
            code.append(f"BT {rgb(style.color)} rg")
            x = left + style.indent - _MARK_ROOM
            self._put(canvas, [Run(f"{mark.text} ")], x, top - style.size, from_right=False)
            code.append("ET")

    def draw_unmarked(self, canvas: Canvas, left: float, top: float) -> None:
        style, code = self._style, code_of(canvas)
        from_right = begins_at_right(self._text)
        align = "right" if from_right and style.align == "left" else style.align
        measure = self._measure()
        code.append(f"BT {rgb(style.color)} rg")
        baseline = top - style.size
        for position, (start, end) in enumerate(self._lines):
            x = left + style.indent
            if align != "left":
                spare = self._width - style.indent - measure(start, end)
                x += spare if align == "right" else spare / 2
            line = list(self._between(start, end))
            if position + 1 < len(self._lines) and line:
                # The space keeps the words at the ends of lines apart for whoever reads the marked text.
                line[-1] = line[-1]._replace(text=f"{line[-1].text} ")
                x -= width(" ", style.size) if from_right else 0
            self._put(canvas, line, x, baseline, from_right=from_right)
            baseline -= style.leading
        code.append("ET")

    def _put(self, canvas: Canvas, line: Sequence[Run], x: float, y: float, *, from_right: bool) -> None:
        """One line, which begins at (x, y)."""
        code, size = code_of(canvas), self._style.size
        code.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm")
        stored = line[0].text if len(line) == 1 else "".join(run.text for run in line)
        if is_simple(stored):
            seen, differs = line, False
        else:
            runs = reversed(line) if from_right else line
            seen = [run._replace(text=as_seen(shaped(run.text), from_right=from_right)) for run in runs]
            # Letters from right to left lead to the stored ones by themselves (dsar.pdf.fonts), and readers turn them.
            differs = not is_right_to_left(stored) and "".join(run.text for run in seen) != stored
        if differs:
            code.append(f"/Span <<{spoken(stored)}>> BDC")
        for run in seen:
            if run.page_of:
                code.append(f"ET q 1 0 0 1 {x:.2f} {y:.2f} cm")
                canvas.doForm(run.page_of)
                code.append("Q BT")
                x += width(run.text, size)
                code.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm")
                continue
            code.append(_operators(canvas, run, size, self._tags.octets))
            if len(seen) > 1:
                x += width(run.text, size, bold=run.bold, italic=run.italic)
        if differs:
            code.append("EMC")


#: Words from so many letters on are measured letter by letter: they are not met twice.
_LONG_WORD = 60


def _broken(text: str, room: float, space: float, measure: Callable[[int, int], float]) -> Iterator[tuple[int, int]]:
    """(start, end) of lines, each at most *room* wide, words *space* apart; a longer word is broken anywhere."""
    start = 0
    for paragraph in text.split("\n"):
        begin, taken, at = start, -space, start
        for word in paragraph.split(" "):
            wide = measure(at, at + len(word)) if len(word) < _LONG_WORD else _sum(at, at + len(word), measure)
            if taken >= 0 and taken + space + wide > room:
                yield begin, at - 1
                begin, taken = at, -space
            last = at
            if wide > room:
                *whole, (last, _end) = _pieces(at, at + len(word), room, measure)
                yield from whole
                if whole:
                    begin = last
                wide = _sum(last, at + len(word), measure)
            taken += space + wide
            at += len(word) + 1
        yield begin, start + len(paragraph)
        start += len(paragraph) + 1


def _sum(start: int, end: int, measure: Callable[[int, int], float]) -> float:
    return sum(measure(at, at + 1) for at in range(start, end))


def _pieces(start: int, end: int, room: float, measure: Callable[[int, int], float]) -> Iterator[tuple[int, int]]:
    taken = 0.0
    for position in range(start, end):
        wide = measure(position, position + 1)
        if taken + wide > room and position > start:
            yield start, position
            start, taken = position, 0.0
        taken += wide
    yield start, end


def _operators(canvas: Canvas, run: Run, size: float, octets: dict[str, dict[int, str]]) -> str:
    """
    What shows *run*: one string for each font, and each subset of it, that it needs.

    Args: octets: font -> of characters that were met before; almost every line consists of them.
    """
    shown = []
    document = canvas._doc  # type: ignore[attr-defined]  # noqa: SLF001  # fonts are divided into subsets by document
    for name, text in divided(run.text, bold=run.bold, italic=run.italic):
        font: Any = pdfmetrics.getFont(name)
        known = octets.setdefault(name, {})
        if known.keys() >= set(map(ord, text)):
            chunks = [(0, text.translate(known))]
        else:
            split = font.splitString(text, document)
            chunks = [(subset, part.decode("latin-1").translate(_ESCAPED)) for subset, part in split]
            known.update(
                (ord(char), single[0][1].decode("latin-1").translate(_ESCAPED))
                for char in set(text)
                if (single := font.splitString(char, document))[0][0] == 0
            )
        shown += [f"{font.getSubsetInternalName(subset, document)} {size:g} Tf ({part}) Tj" for subset, part in chunks]
    return " ".join(shown)


def draw_line(canvas: Canvas, text: str, style: Style, tags: Tags, left: float, baseline: float) -> None:
    """One line of *text* that is no part of the structure."""
    block = TextBlock([Run(showable(text))], style, tags, Element(type="P"))
    block.wrap(_ENDLESS)
    block.draw_unmarked(canvas, left, baseline + style.size)


def rgb(color: Color) -> str:
    """The operands of a colour."""
    return f"{color.red:.3f} {color.green:.3f} {color.blue:.3f}"
