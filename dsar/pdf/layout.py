"""
Markdown tokens -> flowables with their structure elements.

Effects: none. A document that opens with paragraphs and a rule has a letterhead: they are set small above the rule. A
rule of asterisks begins a new page.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from markdown_it.token import Token
from reportlab.platypus import CondPageBreak, Flowable, PageBreak, Spacer

from dsar.markdown import COPY_BREAK, PAGE_BREAK, blocks, heading_id, link_address, table_rows
from dsar.model import Text
from dsar.pdf import style as styles
from dsar.pdf.flowables import CELL_PADDING, Down, PagedTable, Paragraph, Rule
from dsar.pdf.fonts import showable, width
from dsar.pdf.style import Palette
from dsar.pdf.tagging import Element, Tags
from dsar.pdf.text import Align, Mark, Run, Style, TextBlock

_INDENT = 16.0  #: Points per level of a list.
_BULLET = "\u2022"
#: Points that must be free below a heading or a line that leads to what follows, where that says no more itself.
_WITH_HEADING = 60.0
#: So many blocks at most are held together: two headings, a line that leads to a table, the table.
_HELD = 4
#: Rows by which the widths of a table's columns are chosen.
_SAMPLE = 200
#: Room for the number of a page.
_PAGE_ROOM = "0000"
_ON_PAGE = Text(sv="sida", en="page")

#: markdown-it's words for the alignment of a column -> ours.
_ALIGNMENTS: Mapping[str, Align] = {"text-align:center": "center", "text-align:right": "right"}

#: A block: the token that opens it and what stands inside.
_Part = tuple[Token, Sequence[Token]]


class _Piece(NamedTuple):
    """Something that is laid out, and the points that it must have at the foot of a page."""

    flowable: Flowable
    least: float


def lay_out(
    pieces: Iterable[Sequence[Token]],
    tags: Tags,
    page_width: float,
    palette: Palette,
    language: str,
    *,
    below: float | None = None,
) -> Iterator[Flowable]:
    """
    Flowables for the *pieces* of dsar.markdown.parse_pieces, made as they are asked for.

    Args: page_width: of the text area, in points; language: of the words for "page"; below: points from the
    lower edge of the first page where what follows the letterhead begins, for an address stands above.
    """
    layout = _Layout(tags, page_width, palette, _ON_PAGE.in_language(language))
    return layout.document(iter(pieces), below)


class _Layout:
    def __init__(self, tags: Tags, page_width: float, palette: Palette, on_page: str) -> None:
        self._tags = tags
        self._width = page_width
        self._palette = palette
        self._on_page = on_page
        self._headings = styles.headings(palette)
        self._pieces: Iterator[Sequence[Token]] = iter(())
        self._parts: list[_Part] = []  #: Of the pieces begun, those that are not laid out.
        self._within = tags.root  #: What the document's next block belongs to.

    def document(self, pieces: Iterator[Sequence[Token]], below: float | None) -> Iterator[Flowable]:
        self._pieces = pieces
        self._read_on()
        kinds = [opening.type for opening, _inside in self._parts]
        letterhead = kinds.index("hr") if "hr" in kinds else 0
        if any(kind != "paragraph_open" for kind in kinds[:letterhead]):
            letterhead = 0
        company = styles.company(self._palette)
        for position in range(letterhead):
            _opening, inside = self._parts.pop(0)
            yield self._paragraph(inside[0], styles.HEAD if position else company, self._tags.root.add("P")).flowable
        if below is not None:
            yield Down(below)
        yield from self._together(self._top())

    def _read_on(self) -> bool:
        """Take in one more piece; whether there was one."""
        piece = next(self._pieces, None)
        self._parts += blocks(piece) if piece is not None else ()
        return piece is not None

    def _top(self) -> Iterator[_Piece | None]:
        """The document's own blocks, each with what it needs; None where nothing holds together any more."""
        while self._parts or self._read_on():
            opening, inside = self._parts.pop(0)
            if not self._parts:
                self._read_on()
            follows = self._parts[0][0].type if self._parts else ""
            leads = opening.type == "heading_open" or (
                opening.type == "paragraph_open" and follows in {"table_open", "bullet_list_open"}
            )
            if opening.type == "hr" and opening.markup.startswith(COPY_BREAK):
                self._within = self._tags.root.add("Part")
                self._within.language = "sv"
            yield from self._block(opening, inside, self._within, styles.BODY)
            if not leads:
                yield None

    def _together(self, pieces: Iterator[_Piece | None]) -> Iterator[Flowable]:
        """Headings and lines that lead to something, before them the room that they need together with its start."""
        for is_end, group in itertools.groupby(pieces, lambda piece: piece is None):
            if is_end:
                continue
            rest = (piece for piece in group if piece is not None)
            held = list(itertools.islice(rest, _HELD))
            if len(held) > 1:
                yield CondPageBreak(sum(piece.least for piece in held))
            yield from (piece.flowable for piece in itertools.chain(held, rest))

    def _blocks(self, tokens: Sequence[Token], parent: Element, style: Style) -> Iterator[_Piece]:
        for opening, inside in blocks(tokens):
            yield from self._block(opening, inside, parent, style)

    def _block(self, opening: Token, inside: Sequence[Token], parent: Element, style: Style) -> Iterator[_Piece]:
        match opening.type:
            case "paragraph_open":
                yield self._paragraph(inside[0], style, parent.add("P"))
            case "heading_open":
                level = int(opening.tag[1:])
                element = parent.add(f"H{level}")
                element.name = heading_id(inside[0])
                yield self._paragraph(inside[0], self._headings[level], element)
            case "bullet_list_open" | "ordered_list_open":
                yield from self._list(opening, inside, parent, style)
            case "blockquote_open":
                yield from self._blocks(inside, parent.add("BlockQuote"), styles.BOX)
            case "table_open":
                table = self._table(inside, parent.add("Table"))
                yield _Piece(table, table.least)
            case "hr":
                yield _Piece(PageBreak() if opening.markup.startswith(PAGE_BREAK) else Rule(self._palette), 0)
            case "fence" | "code_block":
                run = Run(showable(opening.content.rstrip("\n")))
                yield self._text([run], styles.CODE, parent.add("P"))

    def _list(self, opening: Token, inside: Sequence[Token], parent: Element, style: Style) -> Iterator[_Piece]:
        element = parent.add("L")
        ordered = opening.type == "ordered_list_open"
        element.numbering = "Decimal" if ordered else "Disc"
        number = int(opening.attrs.get("start", 1))
        item = styles.ITEM
        hanging = Style(
            size=item.size,
            leading=item.leading,
            color=item.color,
            before=item.before,
            after=item.after,
            indent=style.indent + _INDENT,
        )
        for position, (_item, content) in enumerate(blocks(inside)):
            text = f"{number + position}." if ordered else _BULLET
            line = element.add("LI")
            mark: Mark | None = Mark(text, line.add("Lbl"))
            body = line.add("LBody")
            for block, within in blocks(content):
                if block.type == "paragraph_open":
                    yield self._text(self._runs(within[0], hanging.size), hanging, body.add("P"), mark=mark)
                else:
                    yield from self._block(block, within, body, hanging)
                mark = None
        yield _Piece(Spacer(0, styles.BODY.after - styles.ITEM.after), 0)

    def _paragraph(self, inline: Token, style: Style, element: Element) -> _Piece:
        return self._text(self._runs(inline, style.size, bold=style.bold), style, element)

    def _text(self, runs: Sequence[Run], style: Style, element: Element, *, mark: Mark | None = None) -> _Piece:
        paragraph = Paragraph(TextBlock(runs, style, self._tags, element, mark), style, self._palette)
        paragraph.wrap(self._width, 0)
        return _Piece(paragraph, style.before + min(paragraph.height, _WITH_HEADING) + style.after)

    # ------------------------------------------------------------------------------------------------------- tables

    def _table(self, inside: Sequence[Token], element: Element) -> PagedTable:
        aligns = [_ALIGNMENTS.get(str(token.attrs.get("style")), "left") for token in inside if token.type == "th_open"]
        size, rows_read = styles.CELL.size, enumerate(table_rows(inside))
        head, *rows = ([self._runs(cell, size, bold=not number) for cell in cells] for number, cells in rows_read)
        texts = [["".join(run.text for run in cell) for cell in row] for row in (head, *rows)]
        widths = _column_widths(texts, self._width)
        every = itertools.chain(rows, self._continued())
        cells = (self._row(row, aligns, element, "TD") for row in every)
        return PagedTable(self._row(head, aligns, element, "TH"), cells, widths, self._palette)

    def _continued(self) -> Iterator[list[list[Run]]]:
        """Further rows of the table that was begun last: the pieces that say so, as they are asked for."""
        while self._parts and self._parts[0][0].meta.get("continued"):
            _opening, inside = self._parts.pop(0)
            for cells in table_rows(inside)[1:]:
                yield [self._runs(cell, styles.CELL.size) for cell in cells]
            if not self._parts:
                self._read_on()

    def _row(
        self, row: Sequence[list[Run]], aligns: Sequence[Align], element: Element, kind: str
    ) -> tuple[TextBlock, ...]:
        line = element.add("TR")
        plain = styles.CELL_HEAD if kind == "TH" else styles.CELL
        return tuple(
            TextBlock(runs, plain if align == "left" else _aligned(plain, align), self._tags, line.add(kind))
            for runs, align in zip(row, aligns, strict=True)
        )

    # --------------------------------------------------------------------------------------------------------- text

    def _runs(self, inline: Token, size: float, *, bold: bool = False) -> list[Run]:
        """
        The text of an inline token; a link is followed by its address or page, for paper has no links.

        Args: size: of the text, in points.
        """
        children = inline.children or ()
        if len(children) == 1 and children[0].type == "text":
            return [Run(showable(children[0].content), bold)]
        runs: list[Run] = []
        bolds, italics = int(bold), 0
        link: list[tuple[int, str]] = []
        for child in children:
            text = {"softbreak": " ", "hardbreak": "\n"}.get(child.type, child.content)
            bolds += child.nesting if child.type in {"strong_open", "strong_close"} else 0
            italics += child.nesting if child.type in {"em_open", "em_close"} else 0
            if child.type == "link_open":
                link.append((len(runs), link_address(child)))
            elif child.type == "link_close":
                start, address = link.pop()
                if address.startswith("#"):
                    number = self._tags.page_of(address[1:], size)
                    runs += [Run(f", {self._on_page}\u00a0"), Run(_PAGE_ROOM, page_of=number)]
                elif "".join(run.text for run in runs[start:]) != address:
                    text = f" ({address})"
            if text:
                runs.append(Run(showable(text), bolds > 0, italics > 0))
        return runs or [Run("")]


def _aligned(style: Style, align: Align) -> Style:
    return Style(size=style.size, leading=style.leading, color=style.color, bold=style.bold, align=align)


def _column_widths(rows: Sequence[Sequence[str]], available: float) -> list[float]:
    """
    Widths in points that add up to *available*.

    Every column gets its longest word (within reason); the rest is shared by what the columns' texts would like.
    """
    size = styles.CELL.size
    least, liked = [], []
    for column in zip(*rows[: _SAMPLE + 1], strict=True):
        heading, *cells = column
        sample = [*cells, heading]
        words = [word for text in sample for word in text.split()] or [""]
        heading_words = max((width(word, size, bold=True) for word in heading.split()), default=0.0)
        longest = max(heading_words, *(width(word, size) for word in words))
        whole = max(max(width(line, size) for line in text.split("\n")) for text in sample)
        least.append(min(longest + 1, available / len(rows[0])) + 2 * CELL_PADDING)
        liked.append(max(min(max(whole, heading_words), available * 0.7) + 2 * CELL_PADDING + 2, least[-1]))
    if sum(least) >= available:
        return [low * available / sum(least) for low in least]
    wish = sum(liked) - sum(least)
    left = available - sum(least)
    if wish <= left:
        return [like * available / sum(liked) for like in liked]
    return [low + left * (high - low) / wish for low, high in zip(least, liked, strict=True)]
