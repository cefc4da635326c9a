"""
Drawn content -> the structure tree that a screen reader follows (ISO 32000-1 section 14.8).

Effects: writes marks into the page being drawn. While pages are drawn, each piece of text is marked with the element it
belongs to; everything else is marked as artifact. dsar.pdf.file puts the tree into the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reportlab.pdfgen.canvas import Canvas


@dataclass(eq=False, kw_only=True, slots=True)
class Element:
    """One element of the structure: a standard type, its children, and the marks of its own text."""

    type: str  #: H1, P, L, LI, LBody, Table, TR, TH, TD, BlockQuote, ...
    children: list["Element"] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)  #: (page index, mark number on that page)
    text: str = ""  #: What it says, where the marked text is not in the order in which it is read.
    name: str = ""  #: Of a heading: by which others lead to it.
    numbering: str = ""  #: Of a list: Decimal or Disc.
    language: str = ""  #: ISO 639-1, where it is another than that of what is above.
    number: int = 0  #: In the file, once it is written.
    parent: int = 0  #: Number of the element above.

    @property
    def is_heading(self) -> bool:
        return self.type[1:].isdigit()

    def add(self, element_type: str) -> "Element":
        child = Element(type=element_type)
        self.children.append(child)
        return child


class Tags:
    """The structure of one document while it is being drawn."""

    def __init__(self) -> None:
        self.root = Element(type="Document")
        self.address = Element(type="P")  #: Of the recipient; read first, if there is one.
        self.found: dict[str, int] = {}  #: Name of a heading -> number of its page, from 1.
        self.octets: dict[str, dict[int, str]] = {}  #: Font -> character -> how the font's first subset writes it.
        self.wanted: dict[tuple[str, float], str] = {}  #: Name of a heading, size -> drawing that is to show its page.
        self._pages: dict[int, list[Element]] = {}
        self._levels: list[int] = []  #: Of the headings above the next one, outermost first.
        self._headings = 0

    @contextmanager
    def marked(self, canvas: Canvas, element: Element) -> Iterator[None]:
        """What is drawn inside belongs to *element*."""
        page = canvas.getPageNumber() - 1
        marks = self._pages.setdefault(page, [])
        element.marks.append((page, len(marks)))
        code_of(canvas).append(f"/{element.type} <</MCID {len(marks)}>> BDC")
        marks.append(element)
        yield
        code_of(canvas).append("EMC")

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

    def pages(self) -> dict[int, list[Element]]:
        """Index of each page with marks -> the element of each mark."""
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
