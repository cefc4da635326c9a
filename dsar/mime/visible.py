"""
HTML -> the text that a person would see.

Effects: none. Elements that are hidden by style or attribute are left out and reported: text that only machines see is
how readers are deceived. Struck-through text is left out, too: its writer took it back. Quotes (blockquote) become "> "
lines, so that one cutter serves both kinds of mail.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import NamedTuple

_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "footer",
        "form",
    }
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section"}
    | {"table", "tbody", "tfoot", "thead", "tr", "ul"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_NEVER_SHOWN = frozenset(
    {
        "head",
        "script",
        "style",
        "title",
        "template",
        "object",
        "svg",
        "select",
        "noembed",
        "noframes",
        "iframe",
        "textarea",
    }
)
_STRUCK = frozenset({"s", "strike", "del"})
_CLOSES_ITSELF = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})

_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|font-size:0(?:\.0*)?(?:px|pt|em|rem|%|;|!|$)|opacity:0(?:\.0*)?(?:;|!|$)"
    r"|mso-hide:all|(?:^|;)max-height:0(?:px)?(?:;|!|$)"
)
_STRIKING = re.compile(r"text-decoration(?:-line)?:[^;]{0,60}line-through")
_WHITE = r"(?:white|#fff(?:fff)?|rgba?\(255,255,255(?:,[\d.]+)?\)|transparent)"
_WHITE_TEXT = re.compile(rf"(?:^|;)color:{_WHITE}(?:;|!|$)")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color)?:([^;!]+)")


class Visible(NamedTuple):
    """What a page shows."""

    text: str
    hides: bool  #: It holds text that a person would not see.
    strikes: bool  #: It holds text that is struck through.


def visible_text(html: str) -> Visible:
    """The text of *html* as a person would see it, without what is struck through."""
    reader = _Reader()
    reader.feed(_without_comments(html))
    reader.close()
    return Visible(reader.text(), reader.found_hidden, reader.found_struck)


def _without_comments(html: str) -> str:
    """
    *html* without comments, declarations and unfinished tags, in one pass.

    The stdlib parser rescans the rest of the page for each unclosed one, which a hostile page makes quadratic.
    """
    pieces: list[str] = []
    at = 0
    while (start := html.find("<!--", at)) >= 0:
        pieces.append(html[at:start])
        end = html.find("-->", start + 4)
        at = end + 3 if end >= 0 else len(html)
    pieces.append(html[at:])
    shown = re.sub(r"<[!?][^>]*>?", "", "".join(pieces))
    whole, closing, tail = shown.rpartition(">")
    return whole + closing + tail.replace("<", "&lt;")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, bool, bool, bool]] = []  # tag, hides, strikes through, on a coloured background
        self._count: Counter[str] = Counter()
        self._hiding = 0
        self._machinery = 0  # of those, elements that are never text
        self._striking = 0
        self._coloured = 0
        self.found_hidden = False
        self.found_struck = False

    def text(self) -> str:
        self._break()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._break(keep_empty=True)
            return
        if tag in _BLOCKS:
            self._break()
        if tag in _VOID:
            return
        if tag in _CLOSES_ITSELF and self._open and self._open[-1][0] == tag:
            self._close_top()
        if tag == "p":
            self._blank_line()
        style = self._style(attrs)
        coloured = bool((found := _BACKGROUND.search(style)) and not re.fullmatch(_WHITE, found[1]))
        hides = tag in _NEVER_SHOWN or self._is_hidden(style, attrs, coloured=coloured)
        strikes = tag in _STRUCK or bool(_STRIKING.search(style))
        self._open.append((tag, hides, strikes, coloured))
        self._count[tag] += 1
        self._hiding += hides
        self._machinery += tag in _NEVER_SHOWN
        self._striking += strikes
        self._coloured += coloured
        if tag == "li":
            self._line.append("- ")
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        if not self._count[tag]:
            return
        while self._close_top() != tag:
            pass
        if tag == "p":
            self._blank_line()

    def handle_data(self, data: str) -> None:
        if not self._hiding and not self._striking:
            self._line.append(data)
        elif not self._hiding:
            self.found_struck = True
        elif data.strip() and not self._machinery:
            self.found_hidden = True

    def _close_top(self) -> str:
        tag, hides, strikes, coloured = self._open.pop()
        self._count[tag] -= 1
        self._hiding -= hides
        self._machinery -= tag in _NEVER_SHOWN
        self._striking -= strikes
        self._coloured -= coloured
        return tag

    def _style(self, attrs: list[tuple[str, str | None]]) -> str:
        if not attrs:
            return ""
        styles = [re.sub(r"\s+", "", value or "").lower() for name, value in attrs if name == "style"]
        colours = [f"color:{(value or '').lower()}" for name, value in attrs if name == "color"]
        backgrounds = [f"background:{(value or '').lower()}" for name, value in attrs if name == "bgcolor"]
        return ";".join((*styles, *colours, *backgrounds))

    def _is_hidden(self, style: str, attrs: list[tuple[str, str | None]], *, coloured: bool) -> bool:
        if any(name == "hidden" for name, _ in attrs) or _HIDING.search(style):
            return True
        return bool(_WHITE_TEXT.search(style)) and not coloured and not self._coloured

    def _break(self, *, keep_empty: bool = False) -> None:
        line = " ".join("".join(self._line).split())
        if line or keep_empty:
            self._lines.append("> " * min(self._count["blockquote"], 5) + line)
        self._line = []

    def _blank_line(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append("> " * min(self._count["blockquote"], 5))
