"""
Drawn content -> the structure tree that a screen reader follows (ISO 32000-1 section 14.8).

Effects: writes marks into the page being drawn. While pages are drawn, each piece of text is marked with the element it
belongs to; everything else is marked as artifact. dsar.pdf.file puts the tree into the file. What is drawn to its end
is folded into a few octets: a table of a hundred thousand rows would be four hundred thousand objects.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from reportlab.pdfgen.canvas import Canvas


@dataclass(eq=False, kw_only=True, slots=True)
class Element:
    """One element of the structure: a standard type, its children, and the marks of its own text."""

    type: str  #: H1, P, L, LI, LBody, Table, TR, TH, TD, BlockQuote, ...
    above: "Element | None" = None
    children: list["Element | int"] = field(default_factory=list)  #: A folded one by its number.
    marks: list[tuple[int, int]] = field(default_factory=list)  #: (page index, mark number on that page)
    text: str = ""  #: What it says, where the marked text is not in the order in which it is read.
    name: str = ""  #: Of a heading: by which others lead to it.
    numbering: str = ""  #: Of a list: Decimal or Disc.
    language: str = ""  #: ISO 639-1, where it is another than that of what is above.
    number: int = 0  #: Among the elements of the document, from 1, once it has one.

    @property
    def is_heading(self) -> bool:
        return self.type[1:].isdigit()

    def add(self, element_type: str) -> "Element":
        child = Element(type=element_type, above=self)
        self.children.append(child)
        return child


class Folded(NamedTuple):
    """What the file says of an element: its children and the one above (0: none) by their numbers."""

    number: int
    above: int
    type: str
    marks: Sequence[tuple[int, int]]
    children: Sequence[int]


class Tags:
    """The structure of one document while it is being drawn."""

    def __init__(self) -> None:
        self.root = Element(type="Document")
        self.address = Element(type="P")  #: Of the recipient; read first, if there is one.
        self.found: dict[str, int] = {}  #: Name of a heading -> number of its page, from 1.
        self.octets: dict[str, dict[int, str]] = {}  #: Font -> character -> how the font's first subset writes it.
        self.wanted: dict[tuple[str, float], str] = {}  #: Name of a heading, size -> drawing that is to show its page.
        self.count = 0  #: Elements that have a number.
        self._pages: dict[int, array[int]] = {}
        self._types: list[str] = []  #: Of folded elements.
        self._folded: array[int] = array("I")  #: One after the other, as `_keep` writes them.
        self._levels: list[int] = []  #: Of the headings above the next one, outermost first.
        self._headings = 0

    @contextmanager
    def marked(self, canvas: Canvas, element: Element) -> Iterator[None]:
        """What is drawn inside belongs to *element*."""
        page = canvas.getPageNumber() - 1
        marks = self._pages.setdefault(page, array("I"))
        element.marks.append((page, len(marks)))
        code_of(canvas).append(f"/{element.type} <</MCID {len(marks)}>> BDC")
        marks.append(self.number(element))
        yield
        code_of(canvas).append("EMC")

    def number(self, element: Element | None) -> int:
        """Its number, the next one if it has none; 0 of None."""
        if element is None:
            return 0
        if not element.number:
            self.count += 1
            element.number = self.count
        return element.number

    def fold(self, cell: Element) -> None:
        """Nothing more will be drawn of the row in which *cell* stands; it is one of the last of its table."""
        row = cell.above
        above = row.above if row else None
        if row is None or above is None:
            return
        cells = [each for each in row.children if isinstance(each, Element)]
        if any(each.text for each in cells):  # what is said otherwise than drawn is kept
            return
        for each in (row, *cells):
            self._keep(each)
        at = next(at for at in range(len(above.children) - 1, -1, -1) if above.children[at] is row)
        above.children[at] = row.number
        row.children = []

    def _keep(self, element: Element) -> None:
        if element.type not in self._types:
            self._types.append(element.type)
        flat = [part for mark in element.marks for part in mark]
        children = [child if isinstance(child, int) else self.number(child) for child in element.children]
        self._folded.extend((self.number(element), self.number(element.above), self._types.index(element.type)))
        self._folded.extend((len(flat), *flat, len(children), *children))

    def folded(self) -> Iterator[Folded]:
        """Every element that was folded."""
        at, held = 0, self._folded
        while at < len(held):
            number, above, type_, length = held[at : at + 4]
            marks = held[at + 4 : at + 4 + length]
            at += 4 + length
            children = held[at + 1 : at + 1 + held[at]]
            at += 1 + held[at]
            yield Folded(number, above, self._types[type_], list(zip(marks[::2], marks[1::2], strict=True)), children)

    def heading(self, canvas: Canvas, element: Element, title: str, *, top: float) -> None:
        """A bookmark for a heading, nested as headings are, though they may skip a level; *top*: points from below."""
        level = int(element.type[1:])
        self._levels = [above for above in self._levels if above < level]
        self._headings += 1
        key = f"heading-{self._headings}"
        canvas.bookmarkPage(key, fit="XYZ", left=0, top=top)
        canvas.addOutlineEntry(title, key, level=len(self._levels), closed=len(self._levels) > 0)
        self._levels.append(level)
        self.found.setdefault(element.name, canvas.getPageNumber())

    def page_of(self, name: str, size: float) -> str:
        """Name of the drawing that shows on which page the heading *name* stands, in digits of *size* points."""
        return self.wanted.setdefault((name, size), f"page-{len(self.wanted)}")

    def pages(self) -> dict[int, "array[int]"]:
        """Index of each page with marks -> the number of the element of each mark."""
        return dict(sorted(self._pages.items()))


@contextmanager
def artifact(canvas: Canvas, kind: str = "Layout") -> Iterator[None]:
    """What is drawn inside is not content: lines, backgrounds (Layout), footers and repeated headers (Pagination)."""
    code_of(canvas).append(f"/Artifact <</Type /{kind}>> BDC")
    yield
    code_of(canvas).append("EMC")


def code_of(canvas: Canvas) -> list[str]:
    """The operators of the page so far, to add to."""
    code: list[str] = canvas._code  # type: ignore[attr-defined]  # noqa: SLF001  # no public way to add an operator
    return code


def spoken(text: str) -> str:
    """What is copied and read aloud instead of marked text (ISO 32000-1 section 14.9.4)."""
    return f"/ActualText<FEFF{text.encode('utf-16-be', 'surrogatepass').hex()}>"
