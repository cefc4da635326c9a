"""
Markdown -> PDF: A4, tagged for screen readers, fonts embedded, the same bytes for the same input.

Effects: reads the package's fonts. ReportLab lays out and draws; dsar.pdf.file writes; pikepdf encrypts.
"""

import gc
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import pikepdf
from pikepdf import Name
from reportlab.lib.pagesizes import A4
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from dsar.markdown import parse_pieces
from dsar.model import Look
from dsar.pdf.file import Description
from dsar.pdf.flowables import More
from dsar.pdf.fonts import FAMILY, register
from dsar.pdf.layout import lay_out
from dsar.pdf.page import Furniture, picture
from dsar.pdf.sheets import address_sheet, note_sheet
from dsar.pdf.style import FOOT, HEAD_ROOM, MARGIN, Palette
from dsar.pdf.tagging import Tags
from dsar.pdf.window import WINDOW_END

__all__ = ["address_sheet", "attached", "note_sheet", "picture", "protect", "render"]


def render(
    markdown: str,
    *,
    title: str,
    language: str,
    footer: str,
    created_at: datetime,
    attachments: Mapping[str, tuple[str, bytes]] | None = None,
    look: Look | None = None,
    address: Sequence[str] = (),
) -> bytes:
    """
    *markdown* as a PDF document.

    Args: title: plain text, shown in the title bar; footer: plain text at the foot of every page, beside "Sida 1 av 3";
    both are metadata or repeated, so they hold the case reference and never a name (P9). language: ISO 639-1;
    created_at: aware, goes into the metadata; attachments: {file name: (content type, content)}, embedded as the data
    that the document shows; look: logo and colours; address: lines for the window of an envelope, for a printed letter.
    Raises: LogoError.
    """
    register()
    about = Description(title=title, language=language, created_at=created_at, attachments=attachments or {})
    with _collector_paused():
        return _draw(markdown, about, footer=footer, look=look or Look(), address=address)


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


def _draw(markdown: str, about: Description, *, footer: str, look: Look, address: Sequence[str]) -> bytes:
    tags = Tags()
    document = BaseDocTemplate(
        io.BytesIO(),
        pagesize=A4,
        initialFontName=FAMILY,  # else Helvetica is referenced without being embedded
        invariant=1,
    )
    width, height = A4[0] - 2 * MARGIN, A4[1] - HEAD_ROOM - FOOT
    frame = Frame(MARGIN, FOOT, width, height, 0, 0, 0, 0, id="text")
    document.addPageTemplates([PageTemplate(frames=[frame])])
    palette = Palette.of(look)
    story: list[Flowable] = []
    parts = lay_out(parse_pieces(markdown), tags, width, palette, about.language, below=WINDOW_END if address else None)
    story.append(More(story, parts))
    made: list[bytes] = []
    furniture = Furniture(
        tags=tags, about=about, footer=footer, palette=palette, logo=look.logo, address=tuple(address)
    )
    document.build(story, canvasmaker=furniture.canvas(made.append))
    return made[0]


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
