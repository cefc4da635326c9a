"""
Plain text in one face -> lines in a column, drawn without ReportLab's paragraphs, which take ten times as long.

Effects: draws on the canvas it is given. Text that is written from right to left (Arabic, Hebrew) is joined and put
into the order in which it is seen, line by line; what is copied or read aloud is the text as it was stored.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from arabic_reshaper import reshape  # type: ignore[import-untyped]
from bidi import get_display  # type: ignore[import-untyped]
from reportlab.lib.colors import Color
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from dsar.pdf.fonts import FAMILY, showable
from dsar.pdf.tagging import Element, Tags, artifact, code_of

#: Blocks of scripts that are written from right to left, and their presentation forms.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
#: Octets that a PDF string cannot hold as they are (ISO 32000-1 section 7.3.4.2).
_ESCAPED = {octet: f"\\{octet:03o}" for octet in (*range(32), 40, 41, 92, *range(127, 256))}


class Face(NamedTuple):
    """How the text looks."""

    size: float  #: Points.
    leading: float  #: Points from line to line.
    color: Color


def is_right_to_left(text: str) -> bool:
    """Whether *text* holds letters that are written from right to left."""
    return not text.isascii() and _RIGHT_TO_LEFT.search(text) is not None


def as_seen(line: str) -> str:
    """A line of *joined* text in the order in which it is seen, from left to right."""
    return str(get_display(line)) if is_right_to_left(line) else line


def joined(text: str) -> str:
    """*text* with the letters of Arabic in the forms that they take beside each other; what has none stays."""
    if not is_right_to_left(text):
        return text
    shaped = str(reshape(text))
    return shaped if showable(shaped) == shaped else text


@functools.lru_cache(maxsize=65536)
def _width(word: str) -> float:
    """Of *word* in the normal face, in thousandths of its size."""
    return float(pdfmetrics.stringWidth(word, FAMILY, 1000))


class PlainCell:
    """One text in one table cell, or a paragraph of its own."""

    __slots__ = ("_face", "_lines", "_tags", "_text", "_width", "element", "height")

    def __init__(self, text: str, face: Face, tags: Tags, element: Element) -> None:
        self._text = text
        self._face = face
        self._tags = tags
        self.element = element
        self._width = -1.0
        self._lines: list[str] = []
        self.height = 0.0

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        """Break into lines of at most *width* points. Returns: (width, height) in points."""
        if width != self._width:
            self._width = width
            self._lines = list(_broken(joined(self._text), width * 1000 / self._face.size))
            self.height = len(self._lines) * self._face.leading
        return width, self.height

    def divide(self, width: float, height: float) -> tuple["PlainCell", "PlainCell"] | None:
        """The part that fits into *height* and the rest, which may be empty; None if not even a line fits."""
        self.wrap(width, height)
        fitting = max(0, int(height // self._face.leading))
        if self._lines and not fitting:
            return None
        if is_right_to_left(self._text):
            self.element.text = self._text
        return self._part(self._lines[:fitting]), self._part(self._lines[fitting:])

    def _part(self, lines: list[str]) -> "PlainCell":
        part = PlainCell("", self._face, self._tags, self.element)
        part._width, part._lines, part.height = self._width, lines, len(lines) * self._face.leading
        return part

    def drawOn(self, canvas: Canvas, left: float, bottom: float) -> None:  # noqa: N802  # ReportLab's name
        """Draw with the lower left corner at (left, bottom)."""
        if self.element.type == "TH" and self.element.marks:  # the header of a table that goes on
            with artifact(canvas, "Pagination"):
                self._draw(canvas, left, bottom)
            return
        if is_right_to_left(self._text):
            self.element.text = self._text  # the lines hold it as it is seen
        with self._tags.marked(canvas, self.element):
            self._draw(canvas, left, bottom)

    def _draw(self, canvas: Canvas, left: float, bottom: float) -> None:
        face = self._face
        red, green, blue = face.color.red, face.color.green, face.color.blue
        baseline = bottom + self.height - face.size
        shown = [
            f"BT 1 0 0 1 {left:.2f} {baseline:.2f} Tm {red:.3f} {green:.3f} {blue:.3f} rg {face.leading:g} TL",
        ]
        for position, line in enumerate(self._lines):
            # The space keeps the words at the ends of lines apart for whoever reads the marked text.
            last = position + 1 == len(self._lines)
            shown.append(
                _operators(canvas, as_seen(line) if last else f"{as_seen(line)} ", face.size, self._tags.octets)
            )
        shown.append("ET")
        code_of(canvas).append("\n".join(shown))


def _broken(text: str, room: float) -> Iterator[str]:
    """Lines of *text*, each at most *room* thousandths of the size wide; a longer word is broken anywhere."""
    space = _width(" ")
    for paragraph in text.split("\n"):
        words: list[str] = []
        taken = -space
        for word in paragraph.split(" "):
            wide = _width(word) if len(word) < 60 else sum(map(_width, word))
            if words and taken + space + wide > room:
                yield " ".join(words)
                words, taken = [], -space
            last = word
            if wide > room:
                *whole, last = _pieces(word, room)
                yield from whole
                wide = sum(map(_width, last))
            words.append(last)
            taken += space + wide
        yield " ".join(words)


def _pieces(word: str, room: float) -> Iterator[str]:
    start = 0
    taken = 0.0
    for position, char in enumerate(word):
        wide = _width(char)
        if taken + wide > room and position > start:
            yield word[start:position]
            start, taken = position, 0.0
        taken += wide
    yield word[start:]


def _operators(canvas: Canvas, line: str, size: float, octets: dict[int, str]) -> str:
    """
    What shows *line* and goes on to the next: one string for each subset of the font that it needs.

    Args: octets: of characters that were met before; almost every line consists of them.
    """
    font: Any = pdfmetrics.getFont(FAMILY)
    document = canvas._doc  # type: ignore[attr-defined]  # noqa: SLF001  # fonts are divided into subsets by document
    if octets.keys() >= set(map(ord, line)):
        chunks = [(0, line.translate(octets))]
    else:
        split = font.splitString(line, document)
        chunks = [(subset, shown.decode("latin-1").translate(_ESCAPED)) for subset, shown in split]
        octets.update(
            (ord(char), shown[0][1].decode("latin-1").translate(_ESCAPED))
            for char in set(line)
            if (shown := font.splitString(char, document))[0][0] == 0
        )
    strings = [f"{font.getSubsetInternalName(subset, document)} {size:g} Tf ({shown}) Tj" for subset, shown in chunks]
    return " ".join([*strings, "T*"])
