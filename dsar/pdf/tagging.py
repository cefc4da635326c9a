"""
Drawn content -> the structure tree that a screen reader follows (ISO 32000-1 section 14.8).

Effects: writes marks into the page being drawn. While pages are drawn, each piece of text is marked with the element it
belongs to; everything else is marked as artifact. Afterwards `write_structure` puts the tree into the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pikepdf
from pikepdf import Dictionary, Name
from reportlab.pdfbase.pdfdoc import PDFObject, PDFObjectReference
from reportlab.pdfgen.canvas import Canvas


@dataclass(eq=False, kw_only=True, slots=True)
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
        self.octets: dict[int, str] = {}  #: Character -> how the first subset of the normal face writes it.
        self._pages: dict[int, list[Element]] = {}

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

    def write_structure(self, canvas: Canvas) -> None:
        """
        Write the tree into the file of *canvas*, whose pages are drawn, with the way back from a mark to its element.

        An element is one short object; a table of ten thousand rows has fifty thousand, so they are written as text.
        """
        document = canvas._doc  # type: ignore[attr-defined]  # noqa: SLF001  # no public way to add an object
        pages = [document.idToObjectNumberAndVersion[f"Page{page + 1}"][0] for page in range(len(document.Pages.pages))]
        root = _Raw.added(document)
        above: list[tuple[Element, int]] = [(self.root, root.number)]
        numbers: dict[Element, int] = {}
        while above:
            element, parent = above.pop()
            entry = _Raw.added(document)
            numbers[element] = entry.number
            entry.parts = (element, parent, pages, numbers)
            above += [(child, entry.number) for child in reversed(element.children)]
        ways = []
        for page, elements in sorted(self._pages.items()):
            back = _Raw.added(document, f"[{' '.join(f'{numbers[element]} 0 R' for element in elements)}]")
            ways.append(f"{page} {back.number} 0 R")
        root.text = (
            f"<</Type/StructTreeRoot/K[{numbers[self.root]} 0 R]/ParentTree<</Nums[{' '.join(ways)}]>>"
            f"/ParentTreeNextKey {len(pages)}>>"
        )
        document.Catalog.StructTreeRoot = PDFObjectReference(root.name)

    def forget(self) -> None:
        """Let go of the elements, which are written; headings and page numbers stay."""
        self.root.children.clear()
        for elements in self._pages.values():
            elements.clear()

    def mark_pages(self, pdf: pikepdf.Pdf) -> None:
        """Tell that *pdf* has a structure, and each page where its way back stands."""
        pages = list(pdf.pages)
        for page in self._pages:
            pages[page].obj.StructParents = page
            pages[page].obj.Tabs = Name.S
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
    code_of(canvas).append(f"/Artifact <</Type /{kind}>> BDC")
    yield
    code_of(canvas).append("EMC")


def code_of(canvas: Canvas) -> list[str]:
    """The operators of the page so far, to add to."""
    code: list[str] = canvas._code  # type: ignore[attr-defined]  # noqa: SLF001  # no public way to add an operator
    return code


class _Raw(PDFObject):
    """An object of the file in its final form."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.name = ""
        self.number = 0
        self.parts: tuple[Element, int, list[int], dict[Element, int]] | None = None

    @classmethod
    def added(cls, document: Any, text: str = "") -> "_Raw":  # noqa: ANN401  # ReportLab's, without types
        """A new object of *document*, with its number."""
        raw = cls(text)
        raw.name = document.Reference(raw).name
        raw.number = document.idToObjectNumberAndVersion[raw.name][0]
        return raw

    def format(self, _document: object) -> bytes:
        return (_written(*self.parts) if self.parts else self.text).encode("ascii")


def _written(element: Element, parent: int, pages: list[int], numbers: dict[Element, int]) -> str:
    """One element as a PDF dictionary (ISO 32000-1 table 323)."""
    marks = [f"<</Type/MCR/Pg {pages[page]} 0 R/MCID {mark}>>" for page, mark in element.marks]
    children = [f"{numbers[child]} 0 R" for child in element.children]
    scope = "/A<</O/Table/Scope/Column>>" if element.type == "TH" else ""
    said = f"/ActualText<FEFF{element.text.encode('utf-16-be', 'surrogatepass').hex()}>" if element.text else ""
    return f"<</Type/StructElem/S/{element.type}/P {parent} 0 R{scope}{said}/K[{' '.join([*marks, *children])}]>>"
