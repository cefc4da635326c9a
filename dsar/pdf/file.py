"""
Drawn pages, their structure, metadata and attached files -> the bytes of a PDF 1.7 file.

Effects: none. ReportLab draws, but knows no structure tree, no attached files and no object streams; its own way of
writing would leave fifty thousand small objects of a long table uncompressed. They are written here in the same pass,
for reading the file once more to add them takes more memory than making it (ISO 32000-1 sections 7.5.7 and 7.5.8).
"""

import hashlib
import io
import itertools
import re
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfdoc
from reportlab.pdfgen.canvas import Canvas

from dsar.pdf.fonts import resource
from dsar.pdf.tagging import Element, Folded, Tags, spoken

_PRODUCER = "dsar"
#: Objects in one object stream.
_PACK = 200
#: Octets of one line of the cross-reference stream: kind of entry, where, position inside.
_KIND, _WHERE, _INSIDE = 1, 4, 1


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a file says about itself; without personal data (P9)."""

    title: str
    language: str  #: ISO 639-1
    created_at: datetime
    attachments: Mapping[str, tuple[str, bytes]]  #: {file name: (content type, content)}


def written(canvas: Canvas, tags: Tags, about: Description) -> bytes:
    """The file of a *canvas* whose pages are drawn."""
    file = _File()
    document: Any = canvas._doc  # type: ignore[attr-defined]  # noqa: SLF001  # no public way to its objects
    pages = document.Reference(document.Pages).name
    outline = _outline(document, canvas)
    for page in tags.pages():
        drawn = document.Pages.pages[page]
        drawn.__NoDefault__ = [*drawn.__NoDefault__, "StructParents", "Tabs"]
        drawn.StructParents, drawn.Tabs = page, pdfdoc.PDFName("S")
    for body in _drawn(document):
        file.add(body)
    numbers = {name: number for name, (number, _version) in document.idToObjectNumberAndVersion.items()}
    of_pages = [numbers[f"Page{page + 1}"] for page in range(len(document.Pages.pages))]
    catalog = (
        f"<</Type/Catalog/Pages {numbers[pages]} 0 R/Lang({about.language})/MarkInfo<</Marked true>>"
        f"/ViewerPreferences<</DisplayDocTitle true>>/StructTreeRoot {_structure(file, tags, of_pages)} 0 R"
        f"/OutputIntents[{_output_intent(file)} 0 R]/Metadata {_metadata(file, about)} 0 R"
        f"{f'/Outlines {numbers[outline]} 0 R' if outline else ''}{_attached(file, about)}>>"
    )
    stamp = _stamp(about.created_at)
    info = f"<</Title{_text(about.title)}/Producer({_PRODUCER})/CreationDate{stamp}/ModDate{stamp}>>"
    return file.finished(root=file.add(catalog.encode("ascii")), info=file.add(info.encode("ascii")))


def _outline(document: Any, canvas: Canvas) -> str | None:  # noqa: ANN401  # ReportLab's, without types
    """Name of the object with the bookmarks; None if there are none."""
    document.Outlines.prepare(document, canvas)
    return None if document.Outlines.ready < 0 else str(document.Reference(document.Outlines).name)


def _drawn(document: Any) -> Iterator[bytes]:  # noqa: ANN401  # ReportLab's, without types
    """ReportLab's objects in the order of their numbers; writing one may ask for more."""
    for font in document.delayedFonts:
        font.addObjects(document)
    number = 1
    while (name := document.numberToId.get(number)) is not None:
        drawn = document.idToObject[name]
        body = pdfdoc.format(drawn, document, toplevel=1)
        if isinstance(drawn, pdfdoc.PDFStream):
            drawn.content = b""  # it is in the file now, and once is enough
        yield body
        number += 1


# ------------------------------------------------------------------------------------------------------- structure


def _structure(file: "_File", tags: Tags, pages: Sequence[int]) -> int:
    """The tree of elements, with the way back from a mark to its element. Returns: the number of its root."""
    root = file.reserve()
    if tags.address.marks:
        tags.root.children.insert(0, tags.address)
    tags.address.above = tags.root
    elements = list(_below(tags.root))
    for element in elements:
        tags.number(element)
    before = file.reserve(tags.count) - 1  # objects that come before the first element

    def add(element: Folded, more: str = "") -> None:
        above = element.above + before if element.above else root
        file.add(_element(element, above, before, pages, more).encode("ascii"), element.number + before)

    for element in elements:
        children = [child if isinstance(child, int) else child.number for child in element.children]
        add(Folded(element.number, tags.number(element.above), element.type, element.marks, children), _said(element))
    for each in tags.folded():
        add(each)
    ways = []
    for page, marked in tags.pages().items():
        back = file.add(f"[{' '.join(f'{number + before} 0 R' for number in marked)}]".encode("ascii"))
        ways.append(f"{page} {back} 0 R")
    tree = (
        f"<</Type/StructTreeRoot/K[{tags.root.number + before} 0 R]"
        f"/ParentTree<</Nums[{' '.join(ways)}]>>/ParentTreeNextKey {len(pages)}>>"
    )
    file.add(tree.encode("ascii"), root)
    return root


def _below(root: Element) -> Iterator[Element]:
    """*root* and all below it that is not folded, in the order in which they are read."""
    above = [root]
    while above:
        element = above.pop()
        yield element
        above += (child for child in reversed(element.children) if isinstance(child, Element))


def _said(element: Element) -> str:
    """What an element says beside its place and its marks."""
    numbering = f"/A<</O/List/ListNumbering/{element.numbering}>>" if element.numbering else ""
    language = f"/Lang({element.language})" if element.language else ""
    return numbering + language + (spoken(element.text) if element.text else "")


def _element(element: Folded, above: int, before: int, pages: Sequence[int], more: str) -> str:
    """
    One element as a PDF dictionary (ISO 32000-1 table 323).

    Args: above: number of the object above; before: of objects before the elements; pages: numbers of their objects.
    """
    marks = [f"<</Type/MCR/Pg {pages[page]} 0 R/MCID {mark}>>" for page, mark in element.marks]
    children = [f"{child + before} 0 R" for child in element.children]
    scope = "/A<</O/Table/Scope/Column>>" if element.type == "TH" else ""
    return f"<</Type/StructElem/S/{element.type}/P {above} 0 R{scope}{more}/K[{' '.join([*marks, *children])}]>>"


# -------------------------------------------------------------------------------------- what a file says of itself


def _text(text: str) -> str:
    return f"<FEFF{text.encode('utf-16-be', 'surrogatepass').hex()}>"


def _stamp(at: datetime) -> str:
    return f"(D:{at.astimezone(UTC):%Y%m%d%H%M%S}Z)"


def _attached(file: "_File", about: Description) -> str:
    """Embed files as the source of what the document shows (ISO 32000-2 section 14.13, /Data). Returns: entries."""
    stamp = _stamp(about.created_at)
    named, listed = [], []
    for name, (content_type, content) in sorted(about.attachments.items()):
        kind = re.sub(r"[^A-Za-z0-9.+-]", lambda found: f"#{ord(found[0]):02X}", content_type)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()  # ISO 32000-1 table 46 wants this one
        embedded = file.add(
            _stream(
                f"/Type/EmbeddedFile/Subtype/{kind}/Params<</Size {len(content)}/CheckSum<{digest}>"
                f"/CreationDate{stamp}/ModDate{stamp}>>",
                content,
            )
        )
        entry = file.add(
            f"<</Type/Filespec/F{_text(name)}/UF{_text(name)}/AFRelationship/Data"
            f"/EF<</F {embedded} 0 R/UF {embedded} 0 R>>>>".encode("ascii")
        )
        named.append(f"{_text(name)} {entry} 0 R")
        listed.append(f"{entry} 0 R")
    if not named:
        return ""
    return f"/Names<</EmbeddedFiles<</Names[{' '.join(named)}]>>>>/AF[{' '.join(listed)}]"


def _output_intent(file: "_File") -> int:
    """What the colours mean: sRGB."""
    profile = file.add(_stream("/N 3", resource("sRGB.icc")))
    intent = (
        f"<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)/DestOutputProfile {profile} 0 R>>"
    )
    return file.add(intent.encode("ascii"))


def _metadata(file: "_File", about: Description) -> int:
    created = about.created_at.isoformat(timespec="seconds")
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><dc:format>application/pdf</dc:format>'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(about.title)}</rdf:li></rdf:Alt></dc:title>'
        f"<dc:language><rdf:Bag><rdf:li>{escape(about.language)}</rdf:li></rdf:Bag></dc:language>"
        f"<xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate>"
        f"<pdf:Producer>{_PRODUCER}</pdf:Producer></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()
    return file.add(b"<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%b\nendstream" % (len(packet), packet))


def _stream(entries: str, content: bytes) -> bytes:
    packed = zlib.compress(content)
    head = f"<<{entries}/Filter/FlateDecode/Length {len(packed)}>>"
    return b"%b\nstream\n%b\nendstream" % (head.encode("ascii"), packed)


# ------------------------------------------------------------------------------------------------------- the file


class _File:
    """Objects become bytes: streams as they come, all others packed into object streams."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()  # its value is handed out without a copy
        self._bytes.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        self._places: array[int] = array("Q", [255])  #: Of each number: kind, where, position inside; see _place.
        self._waiting: list[tuple[int, bytes]] = []
        self._packs: list[bytes] = []
        self._last = 0

    def reserve(self, count: int = 1) -> int:
        """The first of *count* new numbers, for objects that are added later."""
        self._last += count
        self._places.extend(itertools.repeat(0, count))
        return self._last - count + 1

    def add(self, body: bytes, number: int | None = None) -> int:
        """An object, of the next number if it has none. Returns: its number."""
        number = number or self.reserve()
        if body.rstrip().endswith(b"endstream"):
            self._place(number, 1, self._bytes.tell(), 0)
            self._bytes.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
            return number
        self._waiting.append((number, body))
        if len(self._waiting) == _PACK:
            self._pack()
        return number

    def _place(self, number: int, kind: int, where: int, inside: int) -> None:
        """As one number each: a long table has hundreds of thousands."""
        self._places[number] = kind << 48 | where << 8 | inside

    def _pack(self) -> None:
        """The waiting objects as one object stream; it gets its number when all others have theirs."""
        index, at = [], 0
        for position, (number, body) in enumerate(self._waiting):
            index.append(b"%d %d" % (number, at))
            self._place(number, 2, len(self._packs), position)
            at += len(body) + 1
        head = b" ".join(index) + b"\n"
        content = head + b"\n".join(body for _number, body in self._waiting)
        self._packs.append(_stream(f"/Type/ObjStm/N {len(self._waiting)}/First {len(head)}", content))
        self._waiting.clear()

    def finished(self, *, root: int, info: int) -> bytes:
        """The whole file. Args: numbers of the catalog and the information dictionary."""
        if self._waiting:
            self._pack()
        first = self.reserve(len(self._packs))
        for number, pack in enumerate(self._packs, first):
            self.add(pack, number)
        table = self.reserve()
        start = self._bytes.tell()
        self._place(table, 1, start, 0)
        digest = hashlib.sha256(self._bytes.getbuffer()).hexdigest()[:32]
        self.add(
            _stream(
                f"/Type/XRef/Size {table + 1}/Root {root} 0 R/Info {info} 0 R/ID[<{digest}><{digest}>]"
                f"/W[{_KIND} {_WHERE} {_INSIDE}]/DecodeParms<</Predictor 12/Columns {_KIND + _WHERE + _INSIDE}>>",
                self._table(first, table + 1),
            ),
            table,
        )
        self._bytes.write(b"startxref\n%d\n%%%%EOF\n" % start)
        return self._bytes.getvalue()

    def _table(self, first_pack: int, size: int) -> bytes:
        """Where every object is: lines of octets, each less the one above it (PNG's filter "up", which packs well)."""
        above = bytes(_KIND + _WHERE + _INSIDE)
        lines = bytearray()
        for number in range(size):
            place = self._places[number]
            kind, where, inside = place >> 48, place >> 8 & 0xFFFFFFFF, place & 255
            where += first_pack if kind == 2 else 0  # ISO 32000-1 table 18: 2 is a packed object
            line = kind.to_bytes(_KIND) + where.to_bytes(_WHERE) + inside.to_bytes(_INSIDE)
            lines.append(2)
            lines += bytes((here - before) & 255 for here, before in zip(line, above, strict=True))
            above = line
        return bytes(lines)
