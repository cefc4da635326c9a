"""
Markdown tokens -> flowables with their structure elements.

Effects: none. A document that opens with paragraphs and a rule has a letterhead: they are set small above the rule.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from markdown_it.token import Token
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from dsar.markdown import blocks, table_rows
from dsar.pdf.cells import Face, PlainCell, as_seen, joined
from dsar.pdf.flowables import ACCENT, CELL_PADDING, INK, TINT, Cell, PagedTable, Rule, TaggedParagraph
from dsar.pdf.fonts import BOLD, FAMILY, showable, width
from dsar.pdf.tagging import Element, Tags

_INDENT = 16.0  #: Points per level of a list.
_BULLET = "\u2022"

_BODY = ParagraphStyle(
    "body",
    fontName=FAMILY,
    bulletFontName=FAMILY,
    bulletFontSize=9.5,
    fontSize=9.5,
    leading=14,
    spaceAfter=7,
    textColor=INK,
)
_HEAD = ParagraphStyle("letterhead", _BODY, fontSize=8, leading=11.5, spaceAfter=1)
_COMPANY = ParagraphStyle("company", _HEAD, fontSize=13, leading=18, textColor=ACCENT)
_ITEM = ParagraphStyle("item", _BODY, spaceAfter=4)
_BOX = ParagraphStyle(
    "box", _BODY, backColor=TINT, borderPadding=8, leftIndent=9, rightIndent=9, spaceBefore=14, spaceAfter=16
)
_CODE = ParagraphStyle("code", _BODY, fontSize=8.5, leading=12)
_CELL = ParagraphStyle("cell", _BODY, fontSize=8.5, leading=11.5, spaceAfter=0)
_CELL_FACE = Face(_CELL.fontSize, _CELL.leading, INK)
_CELL_HEAD = ParagraphStyle("cell head", _CELL, fontName=BOLD)
_HEADINGS = {
    level: ParagraphStyle(
        f"heading {level}",
        _BODY,
        fontName=BOLD,
        fontSize=size,
        leading=size * 1.3,
        spaceBefore=before,
        spaceAfter=after,
        textColor=color,
    )
    for level, size, before, after, color in (
        (1, 17, 8, 12, ACCENT),
        (2, 12.5, 16, 6, ACCENT),
        (3, 10.5, 12, 5, INK),
        (4, 9.5, 9, 3, INK),
        (5, 9.5, 6, 3, INK),
        (6, 9.5, 6, 3, INK),
    )
}
#: Points that must be free from the last of a run of headings on, for none may stand alone at the foot of a page.
_WITH_HEADING = 90.0

#: markdown-it's words for the alignment of a column -> ReportLab's.
_ALIGNMENTS: Mapping[str, Literal[1, 2]] = {"text-align:center": TA_CENTER, "text-align:right": TA_RIGHT}


#: A block: the token that opens it and what stands inside.
_Part = tuple[Token, Sequence[Token]]


class _Run(NamedTuple):
    """A stretch of text in one style."""

    text: str
    bold: bool
    italic: bool


def lay_out(tokens: Sequence[Token], tags: Tags, page_width: float) -> list[Flowable]:
    """Flowables for *tokens* of dsar.markdown.parse. Args: page_width: of the text area, in points."""
    return list(_Layout(tags, page_width).document(tokens))


class _Layout:
    def __init__(self, tags: Tags, page_width: float) -> None:
        self._tags = tags
        self._width = page_width

    def document(self, tokens: Sequence[Token]) -> Iterator[Flowable]:
        parts = list(blocks(tokens))
        kinds = [opening.type for opening, _inside in parts]
        letterhead = kinds.index("hr") if "hr" in kinds else 0
        if any(kind != "paragraph_open" for kind in kinds[:letterhead]):
            letterhead = 0
        for position, (_opening, inside) in enumerate(parts[:letterhead]):
            yield self._paragraph(inside[0], _HEAD if position else _COMPANY, self._tags.root.add("P"))
        yield from self._laid(parts[letterhead:], self._tags.root, _BODY)

    def _blocks(self, tokens: Sequence[Token], parent: Element, style: ParagraphStyle) -> Iterator[Flowable]:
        yield from self._laid(list(blocks(tokens)), parent, style)

    def _laid(self, parts: Sequence[_Part], parent: Element, style: ParagraphStyle) -> Iterator[Flowable]:
        for position, (opening, inside) in enumerate(parts):
            if opening.type == "heading_open":
                yield CondPageBreak(_room(parts[position:]))
            yield from self._block(opening, inside, parent, style)

    def _block(
        self, opening: Token, inside: Sequence[Token], parent: Element, style: ParagraphStyle
    ) -> Iterator[Flowable]:
        match opening.type:
            case "paragraph_open":
                yield self._paragraph(inside[0], style, parent.add("P"))
            case "heading_open":
                level = int(opening.tag[1:])
                yield self._paragraph(inside[0], _HEADINGS[level], parent.add(f"H{level}"))
            case "bullet_list_open" | "ordered_list_open":
                yield from self._list(opening, inside, parent, style)
            case "blockquote_open":
                yield from self._blocks(inside, parent.add("BlockQuote"), _BOX)
            case "table_open":
                yield self._table(inside, parent.add("Table"))
            case "hr":
                yield Rule()
            case "fence" | "code_block":
                run = _Run(text=opening.content.rstrip("\n"), bold=False, italic=False)
                yield self._text([run], _CODE, parent.add("P"))

    def _list(
        self, opening: Token, inside: Sequence[Token], parent: Element, style: ParagraphStyle
    ) -> Iterator[Flowable]:
        element = parent.add("L")
        number = int(opening.attrs.get("start", 1))
        hanging = ParagraphStyle(
            "list", _ITEM, leftIndent=style.leftIndent + _INDENT, bulletIndent=style.leftIndent + 3
        )
        for position, (_item, content) in enumerate(blocks(inside)):
            mark = f"{number + position}." if opening.type == "ordered_list_open" else _BULLET
            body = element.add("LI").add("LBody")
            for first, (block, within) in enumerate(blocks(content)):
                if block.type == "paragraph_open":
                    yield self._paragraph(within[0], hanging, body.add("P"), bullet=None if first else mark)
                else:
                    yield from self._block(block, within, body, hanging)
        yield Spacer(0, _BODY.spaceAfter - _ITEM.spaceAfter)

    def _paragraph(
        self, inline: Token, style: ParagraphStyle, element: Element, *, bullet: str | None = None, bold: bool = False
    ) -> TaggedParagraph:
        return self._text(_runs(inline, bold=bold), style, element, bullet=bullet)

    def _text(
        self, runs: Sequence[_Run], style: ParagraphStyle, element: Element, *, bullet: str | None = None
    ) -> TaggedParagraph:
        markup = "".join(_markup(run, plain_bold=style.fontName == BOLD) for run in runs)
        plain = "".join(run.text for run in runs)
        return TaggedParagraph.of(markup, plain, style, self._tags, element, bullet)

    def _table(self, inside: Sequence[Token], element: Element) -> PagedTable:
        rows = [[_runs(cell, bold=not position) for cell in row] for position, row in enumerate(table_rows(inside))]
        styles = [_aligned(token) for token in inside if token.type == "th_open"]
        widths = _column_widths([["".join(run.text for run in cell) for cell in row] for row in rows], self._width)
        laid = []
        for position, row in enumerate(rows):
            line = element.add("TR")
            kind = "TD" if position else "TH"
            laid.append(
                tuple(self._cell(cell, styles[column][kind], line.add(kind)) for column, cell in enumerate(row))
            )
        return PagedTable(laid[0], laid[1:], widths)

    def _cell(self, runs: Sequence[_Run], style: ParagraphStyle, element: Element) -> Cell:
        if style is _CELL and not any(run.bold or run.italic for run in runs):
            return PlainCell("".join(run.text for run in runs), _CELL_FACE, self._tags, element)
        return self._text(runs, style, element)


def _room(parts: Sequence[_Part]) -> float:
    """Points that the headings at the start of *parts* take together with the start of what they are about."""
    headings = itertools.takewhile(lambda part: part[0].type == "heading_open", parts)
    styles = [_HEADINGS[int(opening.tag[1:])] for opening, _inside in headings]
    return _WITH_HEADING + sum(style.spaceBefore + style.leading + style.spaceAfter for style in styles[:-1])


def _runs(inline: Token, *, bold: bool = False) -> list[_Run]:
    """The text of an inline token; a link is followed by its address, for paper has no links."""
    runs: list[_Run] = []
    bolds, italics = int(bold), 0
    link: list[tuple[int, str]] = []
    for child in inline.children or ():
        text = {"softbreak": " ", "hardbreak": "\n"}.get(child.type, child.content)
        bolds += child.nesting if child.type in {"strong_open", "strong_close"} else 0
        italics += child.nesting if child.type in {"em_open", "em_close"} else 0
        if child.type == "link_open":
            link.append((len(runs), str(child.attrs["href"])))
        elif child.type == "link_close":
            start, address = link.pop()
            text = "" if "".join(run.text for run in runs[start:]) == address else f" ({address})"
        if text:
            shown = showable(text, bold=bolds > 0, italic=italics > 0)
            runs.append(_Run(text=shown, bold=bolds > 0, italic=italics > 0))
    return runs


def _markup(run: _Run, *, plain_bold: bool) -> str:
    """ReportLab's markup for *run*; the text itself is escaped, or it could open files (<img src=...>)."""
    markup = escape(as_seen(joined(run.text))).replace("\n", "<br/>")
    if run.italic:
        markup = f"<i>{markup}</i>"
    return f"<b>{markup}</b>" if run.bold and not plain_bold else markup


def _aligned(header: Token) -> dict[str, ParagraphStyle]:
    """Styles of a column's cells, by element type."""
    alignment = _ALIGNMENTS.get(str(header.attrs.get("style")))
    if alignment is None:
        return {"TH": _CELL_HEAD, "TD": _CELL}
    return {
        "TH": ParagraphStyle("aligned head", _CELL_HEAD, alignment=alignment),
        "TD": ParagraphStyle("aligned cell", _CELL, alignment=alignment),
    }


def _column_widths(rows: Sequence[Sequence[str]], available: float) -> list[float]:
    """
    Widths in points that add up to *available*.

    Every column gets its longest word (within reason); the rest is shared by what the columns' texts would like.
    """
    least, liked = [], []
    for column in zip(*rows, strict=True):
        heading, *cells = column
        sample = [*cells[:200], heading]
        words = [word for text in sample for word in text.split()] or [""]
        heading_words = max((width(word, _CELL.fontSize, bold=True) for word in heading.split()), default=0.0)
        longest = max(heading_words, *(width(word, _CELL.fontSize) for word in words))
        whole = max(max(width(line, _CELL.fontSize) for line in text.split("\n")) for text in sample)
        least.append(min(longest + 1, available / len(rows[0])) + 2 * CELL_PADDING)
        liked.append(max(min(max(whole, heading_words), available * 0.7) + 2 * CELL_PADDING + 2, least[-1]))
    if sum(least) >= available:
        return [size * available / sum(least) for size in least]
    wish = sum(liked) - sum(least)
    left = available - sum(least)
    if wish <= left:
        return [size * available / sum(liked) for size in liked]
    return [low + left * (high - low) / wish for low, high in zip(least, liked, strict=True)]
