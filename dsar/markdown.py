"""
Any text -> inert Markdown; Markdown -> tokens, plain text or an HTML page.

Effects: none. One dialect for letters, PDF and reports: CommonMark with tables, without raw HTML, images or links that
are guessed from bare addresses. Values reach Markdown through `escape` only (P10: requester text is data).
"""

import importlib
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape as escape_html
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from dsar.model import Look

#: The rule that begins a new page on paper.
PAGE_BREAK = "***"
#: One after which all is said once more in Swedish.
COPY_BREAK = "*****"
#: Rows of a table that are read at a time.
_PIECE = 200

#: Columns of a line of plain text (RFC 3676 section 4.2: lines should be 78 characters or fewer).
TEXT_WIDTH = 76

#: Control characters that turn the direction of text; what is read would no longer be what is stored (CVE-2021-42574).
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LINE_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
#: Active wherever they stand. As entities, because inside a table cell a backslash is not enough for these two.
_ENTITIES = {"|": "&#124;", "\\": "&#92;"}
_ACTIVE = re.compile(r"[|\\`*_\[\]<>!&~#]")
#: Active at the start of a line only: lists, rules, underlines of headings.
_ACTIVE_START = re.compile(r"\d{0,9}(?=[.)])|(?=[-+=:])")


def escape(value: object, *, keep_lines: bool = False) -> str:
    """
    *value* as Markdown that shows exactly its text: no markup, link, table cell, HTML or new block can come of it.

    Control and bidi characters are taken out, runs of white space become one space.

    Args: keep_lines: line breaks stay visible as line breaks (as character references, so that a table cell stays
    one cell) instead of becoming spaces.
    """
    lines = (_escape_line(line) for line in without_controls(str(value)).split("\n"))
    if keep_lines:
        return "&#10;".join(lines)
    return " ".join(line for line in lines if line)


def without_controls(text: str) -> str:
    """*text* without control and bidi characters; line breaks of every kind become newlines, tabs become spaces."""
    return "\n".join("".join(_visible(char) for char in line) for line in _LINE_BREAKS.split(text))


def _escape_line(line: str) -> str:
    text = _ACTIVE.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), " ".join(line.split()))
    start = _ACTIVE_START.match(text)
    return f"{start[0]}\\{text[start.end() :]}" if start else text


def _visible(char: str) -> str:
    if char in BIDI_CONTROLS:
        return ""
    match unicodedata.category(char):
        case "Cc":  # C0 and C1, ESC among them
            return " " if char == "\t" else ""
        case "Cs":  # half of a surrogate pair cannot be encoded
            return "\ufffd"
    return char


#: Characters without which a text holds no markup.
_MARKUP = re.compile(r"[\\`*_\[\]<>&!\n]")


def _split_row(row: str) -> list[str]:
    """The cells of a table's *row*: a bar after a backslash is a bar of the text (GFM section 4.10)."""
    if "\\" not in row:
        return row.split("|")
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)]


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")

    def read_inline(state: StateCore) -> None:
        """What a long table consists of, text without markup, needs no reading."""
        for token in state.tokens:
            if token.type == "inline":
                token.children = token.children or []
                if _MARKUP.search(token.content):
                    reader.inline.parse(token.content, reader, state.env, token.children)
                elif token.content:
                    token.children.append(Token("text", "", 0, content=token.content))

    reader.core.ruler.at("inline", read_inline)
    tables = importlib.import_module("markdown_it.rules_block.table")  # its package has a function of this name
    vars(tables)["escapedSplit"] = _split_row  # the same in a tenth of the time
    return reader


def parse(markdown: str) -> list[Token]:
    """Block tokens of markdown-it, each `inline` token with its children."""
    return _reader().parse(markdown)


#: A table's line of dashes below its header (GFM section 4.10).
_DELIMITER = re.compile(r"\|(?: *:?-+:? *\|)+ *")


def parse_pieces(markdown: str) -> Iterator[list[Token]]:
    """
    The tokens of `parse` in pieces that follow each other, so that those of a long document need not all be kept.

    A long table comes as several, each with the header; those after the first say `meta["continued"]`.
    """
    lines = markdown.split("\n")
    begun = 0
    for start, end in _tables(lines):
        first = start + 2 + _PIECE
        yield parse("\n".join(lines[begun : min(first, end)]))
        head = lines[start : start + 2]
        for at in range(first, end, _PIECE):
            tokens = parse("\n".join([*head, *lines[at : min(at + _PIECE, end)]]))
            tokens[0].meta = {"continued": True}
            yield tokens
        begun = end
    yield parse("\n".join(lines[begun:]))


def _tables(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First line of each table between blank lines, and the line after its last; none inside of fenced code."""
    fenced, at = False, 0
    while at < len(lines):
        fenced ^= lines[at].lstrip().startswith(("```", "~~~"))
        begins = lines[at].startswith("|") and not fenced and not (at and lines[at - 1].strip())
        end = at + 1
        if begins and end < len(lines) and _DELIMITER.fullmatch(lines[end]):
            end = next((row for row in range(at, len(lines)) if not lines[row].startswith("|")), len(lines))
            if end == len(lines) or not lines[end].strip():
                yield at, end
        at = end


def heading_id(inline: Token) -> str:
    """The name by which `[text](#name)` leads to a heading: its words in small letters, with hyphens between."""
    return "-".join(re.findall(r"\w+", _plain(inline).casefold()))


def blocks(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Each outermost block of *tokens*: its opening token, and the tokens between that and its closing one."""
    start = depth = 0
    for position, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start], tokens[start + 1 : position]
            start = position + 1


def table_rows(tokens: Sequence[Token]) -> list[list[Token]]:
    """The `inline` tokens of a table's cells, row by row, the header row first."""
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(token)
    return rows


def words(markdown: str) -> str:
    """All words that a reader sees, in order, with single spaces: for finding a passage whatever its layout."""
    return " ".join(" ".join(_plain(token) for token in parse(markdown) if token.type == "inline").split())


# ------------------------------------------------------------------------------------------------------ plain text


def to_text(markdown: str) -> str:
    """
    Plain text that is pleasant to read: wrapped, underlined headings, lists, tables as aligned columns.

    A table that is too wide for a line becomes one block of "heading: value" lines per row.
    """
    return "\n\n".join(_texts(parse(markdown), TEXT_WIDTH)) + "\n"


def _texts(tokens: Sequence[Token], width: int) -> Iterator[str]:
    """Each top-level block of *tokens* as text without its final newline."""
    for opening, inside in blocks(tokens):
        match opening.type:
            case "heading_open":
                title = _plain(inside[0])
                yield f"{title}\n{('=' if opening.tag == 'h1' else '-') * min(len(title), width)}"
            case "bullet_list_open" | "ordered_list_open":
                yield _list(opening, inside, width)
            case "blockquote_open":
                lines = "\n\n".join(_texts(inside, width - 2)).split("\n")
                yield "\n".join(f"| {line}".rstrip() for line in lines)
            case "table_open":
                yield _table(table_rows(inside), width)
            case "hr":
                yield "-" * width
            case "fence" | "code_block":
                yield opening.content.rstrip("\n")
            case "paragraph_open":
                yield _wrap(_plain(inside[0]), width)


def _plain(inline: Token) -> str:
    words: list[str] = []
    link = (0, "")
    for child in inline.children or ():
        match child.type:
            case "text" | "code_inline":
                words.append(child.content)
            case "softbreak":
                words.append(" ")
            case "hardbreak":
                words.append("\n")
            case "link_open":
                words.append("")
                link = (len(words), link_address(child))
            case "link_close" if not link[1].startswith("#") and "".join(words[link[0] :]) != link[1]:
                words.append(f" ({link[1]})")
    return "".join(words)


def _wrap(text: str, width: int) -> str:
    return "\n".join(
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")
    )


def _list(opening: Token, inside: Sequence[Token], width: int) -> str:
    number = int(opening.attrs.get("start", 1))
    items = []
    tight = True
    for position, (_item, content) in enumerate(blocks(inside)):
        mark = f"{number + position}. " if opening.type == "ordered_list_open" else "- "
        parts = list(_texts(content, width - len(mark)))
        tight = tight and all(token.hidden for token in content if token.type == "paragraph_open")
        body = ("\n" if tight else "\n\n").join(parts)
        items.append(mark + textwrap.indent(body, " " * len(mark)).lstrip())
    return ("\n" if tight else "\n\n").join(items)


def _table(rows: Sequence[Sequence[Token]], width: int) -> str:
    texts = [[_plain(cell) for cell in row] for row in rows]
    columns = [max(len(row[index]) for row in texts) for index in range(len(texts[0]))]
    if sum(columns) + 2 * (len(columns) - 1) > width or any("\n" in text for row in texts for text in row):
        return _records(texts, width)
    lines = ["  ".join(text.ljust(size) for text, size in zip(row, columns, strict=True)).rstrip() for row in texts]
    lines.insert(1, "  ".join("-" * size for size in columns))
    return "\n".join(lines)


def _records(rows: Sequence[Sequence[str]], width: int) -> str:
    """One block of "heading: value" lines per row; empty values are left out."""
    head, *body = rows
    paragraphs = []
    for row in body:
        lines = []
        for label, value in zip(head, row, strict=True):
            if value:
                first, *rest = f"{label}: {value}".split("\n")
                lines += [_hanging(first, width), *(_hanging(f"  {line}", width) for line in rest)]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def _hanging(line: str, width: int) -> str:
    return textwrap.fill(line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


# ------------------------------------------------------------------------------------------------------------ HTML

#: With the colours of dsar.model.Look.
_STYLE = (
    "body{margin:0;background:#fff;color:#1d2730;font:16px/1.55 system-ui,'Segoe UI',Roboto,sans-serif}"
    "main{max-width:44em;margin:0 auto;padding:1.5em 1.2em}"
    "h1{font-size:1.55em;line-height:1.25;margin:1.2em 0 .6em}h2{font-size:1.2em;margin:1.6em 0 .4em}"
    "h3{font-size:1em;margin:1.3em 0 .3em}hr{border:0;border-top:1px solid #c5ced6;margin:1em 0}"
    "table{border-collapse:collapse;width:100%%;font-size:.93em}"
    "th,td{text-align:left;vertical-align:top;padding:.4em .7em .4em 0;border-bottom:1px solid #dde3e8;"
    "overflow-wrap:anywhere}th{border-bottom-color:#8798a6}"
    "blockquote{margin:1em 0;padding:.5em 1em;border-left:4px solid %(accent)s;background:%(tint)s}"
    "a{color:%(accent)s}"
)


def to_html(markdown: str, *, language: str, title: str, look: Look | None = None) -> str:
    """
    A complete page that needs nothing from outside itself and reads well by ear: language, title, landmark, headers.

    Args: language: ISO 639-1; title: plain text; look: of the company; its logo is left out, as many mail programs
    show pictures as attachments.
    """
    look = look or Look()
    style = _STYLE % {"accent": look.accent, "tint": look.tint}
    reader = _reader()
    tokens = reader.parse(markdown)
    for token in tokens:
        if token.type == "th_open":
            token.attrSet("scope", "col")
    within = {href[1:] for token in tokens for href in _addresses(token) if href.startswith("#")}
    for opening, inside in blocks(tokens):
        if opening.type == "heading_open" and (name := heading_id(inside[0])) in within:
            opening.attrSet("id", name)
    body = reader.renderer.render(_visible_breaks(tokens), reader.options, {})
    return (
        f'<!DOCTYPE html>\n<html lang="{escape_html(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape_html(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        "</body>\n</html>\n"
    )


def _addresses(token: Token) -> Iterator[str]:
    return (link_address(child) for child in token.children or () if child.type == "link_open")


def link_address(opening: Token) -> str:
    """Where a link leads, as it was written."""
    return unquote(str(opening.attrs["href"]))


def with_copy(page: str, copy: str, *, language: str, notice: str) -> str:
    """
    A *page* of `to_html` with what another one says below it, for a reader by ear in its own language.

    Args: language: of *copy*; notice: plain text above, that says what follows below.
    """
    inside = copy.partition("<main>\n")[2].partition("</main>\n")[0]
    page = page.replace("<main>\n", f"<main>\n<p>{escape_html(notice)}</p>\n", 1)
    return page.replace(
        "</main>\n", f'<hr>\n<section lang="{escape_html(language)}">\n{inside}</section>\n</main>\n', 1
    )


def _visible_breaks(tokens: list[Token]) -> list[Token]:
    """Line breaks inside text (see `escape`) become break tokens, so that a browser shows them."""
    for token in tokens:
        if token.children:
            token.children = [part for child in token.children for part in _split_lines(child)]
    return tokens


def _split_lines(token: Token) -> Iterator[Token]:
    if token.type != "text" or "\n" not in token.content:
        yield token
        return
    for position, line in enumerate(token.content.split("\n")):
        if position:
            yield Token("hardbreak", "br", 0)
        yield token.copy(content=line)
