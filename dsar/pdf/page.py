"""
What stands on pages beside the text: logo, address, and the line at the foot with "Sida 1 av 3".

Effects: draws. Numbers that are known at the end only are drawings of their own, shared by the pages and made last.
"""

import functools
import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from dsar.errors import LogoError
from dsar.model import Text
from dsar.pdf.file import Description, written
from dsar.pdf.fonts import showable, width
from dsar.pdf.style import FOOT, INK, MARGIN, Palette
from dsar.pdf.tagging import Tags, artifact
from dsar.pdf.text import Run, Style, TextBlock, draw_line
from dsar.pdf.window import WINDOW_LEFT, WINDOW_TOP, in_window

_LOGO_WIDTH, _LOGO_HEIGHT, _LOGO_TOP = 45 * mm, 12 * mm, 10 * mm
_SMALL = Style(size=7.5, leading=10, color=INK)
_ADDRESS = Style(size=10.5, leading=14, color=INK)
_PAGE, _OF = Text(sv="Sida {page} ", en="Page {page} "), Text(sv="av {pages}", en="of {pages}")
_PAGES = "pages"  #: Name of the drawing that says how many there are.


@dataclass(frozen=True, kw_only=True)
class Furniture:
    """What the pages of one document have in common."""

    tags: Tags
    about: Description
    footer: str
    palette: Palette
    logo: bytes | None
    address: Sequence[str]  #: Lines that the window of an envelope shows.

    def canvas(self, take: Callable[[bytes], None]) -> Callable[..., "Pages"]:
        """What makes ReportLab's canvas for it. Args: take: is given the file when it is whole."""
        return functools.partial(Pages, furniture=self, take=take)


class Pages(Canvas):
    """The pages of one document."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401  # passed on
        furniture: Furniture,
        take: Callable[[bytes], None],
        **options: Any,  # noqa: ANN401  # passed on
    ) -> None:
        super().__init__(*args, **options)
        self._furniture, self._take = furniture, take
        language = furniture.about.language
        self._page, self._of = _PAGE.in_language(language), _OF.in_language(language)
        self._drawn = 0

    def showPage(self) -> None:  # noqa: N802  # ReportLab's name
        with artifact(self, "Pagination"):
            self._draw_footer()
            if not self._drawn and self._furniture.logo:
                self._draw_logo(self._furniture.logo)
        if not self._drawn and self._furniture.address:
            self._draw_address()
        self._drawn += 1
        super().showPage()
        page = self._doc.Pages.pages[-1]  # type: ignore[attr-defined]  # the stubs do not know it
        content = zlib.compress(page.stream.encode("latin-1"))  # packed at once, for it waits until the end
        page.Contents = PDFStream(PDFDictionary({"Filter": PDFName("FlateDecode")}), content)
        page.stream = None

    def save(self) -> None:
        self._form(_PAGES, self._of.format(pages=self._drawn), _SMALL)
        tags = self._furniture.tags
        for (name, size), drawing in tags.wanted.items():
            self._form(drawing, str(tags.found.get(name, "")), Style(size=size, leading=size, color=INK))
        self._take(written(self, tags, self._furniture.about))

    def _form(self, name: str, text: str, style: Style) -> None:
        self.beginForm(name, 0, -8, 90, 15)
        self._line(text, style, 0, 0)
        self.endForm()

    def _line(self, text: str, style: Style, left: float, baseline: float) -> None:
        draw_line(self, text, style, self._furniture.tags, left, baseline)

    def _draw_logo(self, logo: bytes) -> None:
        """In the upper right corner, as large as its place."""
        image = picture(logo)
        wide, high = image.getSize()
        scale = min(_LOGO_WIDTH / wide, _LOGO_HEIGHT / high)
        left, below = A4[0] - MARGIN - wide * scale, A4[1] - _LOGO_TOP - high * scale
        self.drawImage(image, left, below, wide * scale, high * scale, mask="auto")

    def _draw_address(self) -> None:
        """In the window of an envelope; read before all else."""
        tags, lines = self._furniture.tags, in_window(self._furniture.address)
        block = TextBlock([Run(showable("\n".join(lines)))], _ADDRESS, tags, tags.address)
        block.wrap(A4[0] - WINDOW_LEFT)
        block.draw(self, WINDOW_LEFT, WINDOW_TOP + _ADDRESS.size)

    def _draw_footer(self) -> None:
        words = self._page.format(page=self.getPageNumber())
        taken, right, below = width(words, _SMALL.size), A4[0] - MARGIN, FOOT - 9 * mm
        footer = _shortened(showable(self._furniture.footer), right - MARGIN - taken - 12 * _SMALL.size)
        self.setStrokeColor(self._furniture.palette.line)
        self.setLineWidth(0.5)
        self.line(MARGIN, FOOT - 5 * mm, right, FOOT - 5 * mm)
        self._line(footer, _SMALL, right - width(footer, _SMALL.size), below)
        self._line(words, _SMALL, MARGIN, below)
        self.saveState()
        self.translate(MARGIN + taken, below)
        self.doForm(_PAGES)
        self.restoreState()


def picture(logo: bytes) -> ImageReader:
    """A *logo*, decoded. Raises: LogoError."""
    try:
        image = ImageReader(io.BytesIO(logo))
        image.getRGBData()  # type: ignore[no-untyped-call]  # the stubs leave it out
    except (OSError, SyntaxError, ValueError):  # what Pillow raises for broken files
        raise LogoError from None
    return image


def _shortened(text: str, room: float) -> str:
    while text and width(text, _SMALL.size) > room:
        text = f"{text[:-2]}\u2026"
    return text
