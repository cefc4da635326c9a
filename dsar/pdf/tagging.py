"""
Drawn content -> the structure tree that a screen reader follows (ISO 32000-1 section 14.8).

Effects: writes marks into the page being drawn. While pages are drawn, each piece of text is marked with the element it
belongs to; everything else is marked as artifact. Afterwards `write_structure` puts the tree into the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from reportlab.pdfgen.canvas import Canvas


@dataclass(eq=False, kw_only=True)
class Element:
    """One element of the structure: a standard type, its children, and the marks of its own text."""

    type: str  #: H1, P, L, LI, LBody, Table, TR, TH, TD, BlockQuote, ...
    children: list["Element"] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)  #: (page index, mark number on that page)
    text: str = ""  #: Set where lines are broken, because the marked text lacks the spaces at the line ends.

    def add(self, element_type: str) -> "Element":
        child = Element(type=element_type)
        self.children.append(child)
        return child


@dataclass(frozen=True, kw_only=True)
class Heading:
    """One line of the outline."""

    level: int
    title: str
    page: int  #: Index of the page.
    top: float  #: Points above the lower edge.


class Tags:
    """The structure of one document while it is being drawn."""

    def __init__(self) -> None:
        self.root = Element(type="Document")
        self.headings: list[Heading] = []
        self._pages: dict[int, list[Element]] = {}

    @contextmanager
    def marked(self, canvas: Canvas, element: Element) -> Iterator[None]:
        """What is drawn inside belongs to *element*."""
        page = canvas.getPageNumber() - 1
        marks = self._pages.setdefault(page, [])
        element.marks.append((page, len(marks)))
        _code(canvas).append(f"/{element.type} <</MCID {len(marks)}>> BDC")
        marks.append(element)
        yield
        _code(canvas).append("EMC")

    def write_structure(self, pdf: pikepdf.Pdf) -> None:
        """Write the tree, and on each page the way back from a mark to its element."""
        pages = list(pdf.pages)
        root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        parents: dict[int, list[pikepdf.Object]] = {page: [root] * len(marks) for page, marks in self._pages.items()}

        def write(element: Element, parent: pikepdf.Object) -> pikepdf.Object:
            entry = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name(f"/{element.type}"), P=parent))
            if element.type == "TH":
                entry.A = Dictionary(O=Name.Table, Scope=Name.Column)
            if element.text:
                entry.ActualText = String(element.text)
            content = Array()
            for page, mark in element.marks:
                parents[page][mark] = entry
                content.append(Dictionary(Type=Name.MCR, Pg=pages[page].obj, MCID=mark))
            for child in element.children:
                content.append(write(child, entry))
            entry.K = content
            return entry

        root.K = Array([write(self.root, root)])
        numbers: list[object] = []
        for page, entries in sorted(parents.items()):
            pages[page].obj.StructParents = page
            pages[page].obj.Tabs = Name.S
            numbers += [page, pdf.make_indirect(Array(entries))]
        root.ParentTree = pdf.make_indirect(Dictionary(Nums=Array(numbers)))
        root.ParentTreeNextKey = len(pages)
        pdf.Root.StructTreeRoot = root
        pdf.Root.MarkInfo = Dictionary(Marked=True)

    def write_outline(self, pdf: pikepdf.Pdf) -> None:
        """Bookmarks from the headings, nested as the headings are."""
        with pdf.open_outline() as outline:
            path: list[tuple[int, pikepdf.OutlineItem]] = []
            for heading in self.headings:
                item = pikepdf.OutlineItem(heading.title, heading.page, "XYZ", top=heading.top, left=0, zoom=0)
                while path and path[-1][0] >= heading.level:
                    path.pop()
                (path[-1][1].children if path else outline.root).append(item)
                path.append((heading.level, item))


@contextmanager
def artifact(canvas: Canvas, kind: str = "Layout") -> Iterator[None]:
    """What is drawn inside is not content: lines, backgrounds (Layout), footers and repeated headers (Pagination)."""
    _code(canvas).append(f"/Artifact <</Type /{kind}>> BDC")
    yield
    _code(canvas).append("EMC")


def _code(canvas: Canvas) -> list[str]:
    code: list[str] = canvas._code  # type: ignore[attr-defined]  # noqa: SLF001  # no public way to add an operator
    return code
