"""
Markdown -> PDF: A4, tagged for screen readers, fonts embedded, the same bytes for the same input.

Effects: reads the package's fonts. ReportLab lays out and draws; pikepdf adds the structure tree, outline and metadata.
"""

import functools
import gc
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from dsar.markdown import parse
from dsar.model import Text
from dsar.pdf.flowables import INK, LINE
from dsar.pdf.fonts import FAMILY, register, resource, showable, width
from dsar.pdf.layout import lay_out
from dsar.pdf.sheets import address_sheet, note_sheet
from dsar.pdf.tagging import Tags, artifact

__all__ = ["address_sheet", "attached", "note_sheet", "protect", "render"]

_MARGIN = 22 * mm
_FOOT = 24 * mm
_FOOT_SIZE = 7.5
_PAGE, _OF = Text(sv="Sida {page} ", en="Page {page} "), Text(sv="av {pages}", en="of {pages}")
_PAGES = "pages"  #: Name of the drawing that says how many there are.
_PRODUCER = "dsar"


def render(
    markdown: str,
    *,
    title: str,
    language: str,
    footer: str,
    created_at: datetime,
    attachments: Mapping[str, tuple[str, bytes]] | None = None,
) -> bytes:
    """
    *markdown* as a PDF document.

    Args: title: plain text, shown in the title bar; footer: plain text at the foot of every page, beside "Sida 1 av 3";
    both are metadata or repeated, so they hold the case reference and never a name (P9). language: ISO 639-1;
    created_at: aware, goes into the metadata; attachments: {file name: (content type, content)}, embedded as the data
    that the document shows.
    """
    register()
    with _collector_paused():
        drawn, tags = _draw(markdown, language=language, footer=footer)
        tags.forget()
        gc.collect()  # what was drawn with is in cycles; pikepdf needs the room
        return _finish(
            drawn, tags, title=title, language=language, created_at=created_at, attachments=attachments or {}
        )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A long table is very many small values; looking for cycles among them takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _draw(markdown: str, *, language: str, footer: str) -> tuple[io.BytesIO, Tags]:
    tags = Tags()
    drawn = io.BytesIO()
    document = BaseDocTemplate(
        drawn,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=18 * mm,
        bottomMargin=_FOOT,
        initialFontName=FAMILY,  # else Helvetica is referenced without being embedded
        invariant=1,
    )
    frame = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0, id="text")
    document.addPageTemplates([PageTemplate(frames=[frame])])
    words = (_PAGE.in_language(language), _OF.in_language(language))
    document.build(
        lay_out(parse(markdown), tags, document.width),
        canvasmaker=functools.partial(_Pages, tags=tags, footer=showable(footer), words=words),
    )
    drawn.seek(0)
    return drawn, tags


def protect(pdf: bytes, password: str, files: Mapping[str, tuple[str, bytes]] | None = None) -> bytes:
    """
    *pdf* encrypted with AES-256 (PDF 2.0, revision 6), to be opened with *password* only.

    The bytes differ each time: the key is random. Args: files: as `attachments` of `render`; they are locked up inside.
    """
    with pikepdf.open(io.BytesIO(pdf)) as document:
        for name, (content_type, content) in (files or {}).items():
            document.attachments[name] = pikepdf.AttachedFileSpec(
                document, content, filename=name, mime_type=content_type, relationship=Name.Supplement
            )
        if document.attachments:
            document.Root.PageMode = Name.UseAttachments  # readers show the list of files at once
        locked = io.BytesIO()
        document.save(locked, encryption=pikepdf.Encryption(owner=password, user=password, R=6))
    return locked.getvalue()


def attached(pdf: bytes) -> frozenset[str]:
    """Names of the files inside an open *pdf*."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return frozenset(document.attachments)


class _Pages(Canvas):
    """Draws the footers; the number of pages is one drawing that all pages share and that is made at the end."""

    def __init__(self, *args: Any, tags: Tags, footer: str, words: tuple[str, str], **options: Any) -> None:  # noqa: ANN401  # passed on
        super().__init__(*args, **options)
        self._tags = tags
        self._footer = footer
        self._page, self._of = words
        self._drawn = 0

    def showPage(self) -> None:  # noqa: N802  # ReportLab's name
        self._draw_footer()
        self._drawn += 1
        super().showPage()

    def save(self) -> None:
        self.beginForm(_PAGES, 0, -8, 90, 15)
        self.setFillColor(INK)
        self.setFont(FAMILY, _FOOT_SIZE)
        self.drawString(0, 0, self._of.format(pages=self._drawn))
        self.endForm()
        self._tags.write_structure(self)
        super().save()

    def _draw_footer(self) -> None:
        words = self._page.format(page=self.getPageNumber())
        right = A4[0] - _MARGIN
        room = right - _MARGIN - width(words, _FOOT_SIZE) - 12 * _FOOT_SIZE
        with artifact(self, "Pagination"):
            self.setStrokeColor(LINE)
            self.setLineWidth(0.5)
            self.line(_MARGIN, _FOOT - 5 * mm, right, _FOOT - 5 * mm)
            self.setFillColor(INK)
            self.setFont(FAMILY, _FOOT_SIZE)
            self.drawRightString(right, _FOOT - 9 * mm, _shortened(self._footer, room))
            self.drawString(_MARGIN, _FOOT - 9 * mm, words)
            self.saveState()
            self.translate(_MARGIN + width(words, _FOOT_SIZE), _FOOT - 9 * mm)
            self.doForm(_PAGES)
            self.restoreState()


def _shortened(text: str, room: float) -> str:
    while text and width(text, _FOOT_SIZE) > room:
        text = f"{text[:-2]}\u2026"
    return text


def _finish(
    drawn: io.BytesIO,
    tags: Tags,
    *,
    title: str,
    language: str,
    created_at: datetime,
    attachments: Mapping[str, tuple[str, bytes]],
) -> bytes:
    finished = io.BytesIO()
    with pikepdf.open(drawn) as pdf:
        tags.mark_pages(pdf)
        tags.write_outline(pdf)
        pdf.Root.Lang = String(language)
        pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        pdf.Root.OutputIntents = Array([_output_intent(pdf)])
        pdf.Root.Metadata = _metadata(pdf, title=title, language=language, created_at=created_at)
        stamp = f"D:{created_at.astimezone(UTC):%Y%m%d%H%M%S}Z"
        date = String(stamp)
        _attach(pdf, attachments, stamp)
        pdf.trailer.Info = pdf.make_indirect(
            Dictionary(Title=String(title), Producer=String(_PRODUCER), CreationDate=date, ModDate=date)
        )
        pdf.save(
            finished,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            min_version="1.7",
        )
    return finished.getvalue()


def _attach(pdf: pikepdf.Pdf, attachments: Mapping[str, tuple[str, bytes]], stamp: str) -> None:
    """Embed files as the source of what the document shows (ISO 32000-2 section 14.13, /Data)."""
    embedded = []
    for name, (content_type, content) in attachments.items():
        file = pikepdf.AttachedFileSpec(
            pdf,
            content,
            filename=name,
            mime_type=content_type,
            creation_date=stamp,
            mod_date=stamp,
            relationship=Name.Data,
        )
        pdf.attachments[name] = file
        embedded.append(pdf.attachments[name].obj)
    if embedded:
        pdf.Root.AF = Array(embedded)


def _output_intent(pdf: pikepdf.Pdf) -> pikepdf.Object:
    """What the colours mean: sRGB."""
    profile = pdf.make_stream(resource("sRGB.icc"))
    profile.N = 3
    return pdf.make_indirect(
        Dictionary(
            Type=Name.OutputIntent,
            S=Name.GTS_PDFA1,
            OutputConditionIdentifier=String("sRGB"),
            Info=String("sRGB"),
            DestOutputProfile=profile,
        )
    )


def _metadata(pdf: pikepdf.Pdf, *, title: str, language: str, created_at: datetime) -> pikepdf.Object:
    created = created_at.isoformat(timespec="seconds")
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><dc:format>application/pdf</dc:format>'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>'
        f"<dc:language><rdf:Bag><rdf:li>{escape(language)}</rdf:li></rdf:Bag></dc:language>"
        f"<xmp:CreateDate>{created}</xmp:CreateDate><xmp:ModifyDate>{created}</xmp:ModifyDate>"
        f"<pdf:Producer>{_PRODUCER}</pdf:Producer></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    )
    stream = pdf.make_stream(packet.encode())
    stream.Type, stream.Subtype = Name.Metadata, Name.XML
    return stream
