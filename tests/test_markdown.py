"""Any text becomes inert in Markdown, and Markdown becomes text and HTML that people like to read."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.token import Token

from dsar.markdown import blocks, escape, parse, parse_pieces, to_html, to_text, words

HOSTILE = [
    "<b>fet</b>",
    "<script>alert(1)</script>",
    "<https://example.se>",
    "{{7*7}}",
    "a|b",
    "\\|",
    "\\",
    "](javascript:alert(1))",
    "[x](https://example.se)",
    "![x](https://example.se/x.png)",
    "[x]: https://example.se",
    "# rubrik",
    "- punkt",
    "1. punkt",
    "12) punkt",
    "+ punkt",
    "---",
    "===",
    "> citat",
    "`kod`",
    "**fet** och _kursiv_",
    "&lt;b&gt; &#124; &amp;",
    "~~struken~~",
    "    indragen kod",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_escaped_text_is_shown_as_it_is(value: str) -> None:
    assert words(escape(value)) == value.strip()


@pytest.mark.parametrize("value", HOSTILE)
def test_escaped_text_stays_one_cell_of_a_table(value: str) -> None:
    cell = escape(value)
    table = f"| A | B |\n|---|---|\n| {cell} | slut |\n"
    assert [token.type for token in parse(table)].count("td_open") == 2
    assert words(table) == f"A B {value.strip()} slut"


@given(st.text())
def test_no_text_makes_anything_but_one_paragraph_of_text(value: str) -> None:
    tokens = parse(escape(value))
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    assert {child.type for token in tokens for child in token.children or ()} <= {"text"}


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_no_printable_character_is_lost(value: str) -> None:
    assert words(escape(value)) == " ".join(value.split())


@given(st.text(), st.text())
def test_two_texts_side_by_side_stay_two_cells(left: str, right: str) -> None:
    table = f"| A | B |\n|---|---|\n| {escape(left, keep_lines=True)} | {escape(right, keep_lines=True)} |\n"
    assert [token.type for token in parse(table)].count("td_open") == 2


def test_control_and_bidi_characters_are_taken_out() -> None:
    assert escape("a\x1b[31mb\x00c\x9bd\u202ee\u2066f") == "a\\[31mbcdef"


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert escape("a\ud83d") == "a\ufffd"


def test_a_line_break_becomes_a_space() -> None:
    assert words(escape("rad ett\r\nrad två\u2028rad tre")) == "rad ett rad två rad tre"


def test_a_kept_line_break_is_a_break_in_text_and_html() -> None:
    table = f"| A |\n|---|\n| {escape('ett' + chr(10) + 'två', keep_lines=True)} |\n"
    assert "ett\n  två" in to_text(table)
    assert "ett<br>" in to_html(table, language="sv", title="t").replace("<br />", "<br>")


LETTER = """\
**Xelent AB**

---

# Svar

## Del ett

Ett stycke som är så långt att det inte får plats på en enda rad utan måste brytas till två rader.

- första
- andra
  1. inre ett
  2. inre två

> **Ruta.** Du kan alltid säga nej.

| System | Antal |
|---|---|
| Affärssystem | 3 |
"""


def test_text_is_laid_out_for_reading() -> None:
    assert (
        to_text(LETTER)
        == """\
Xelent AB

----------------------------------------------------------------------------

Svar
====

Del ett
-------

Ett stycke som är så långt att det inte får plats på en enda rad utan måste
brytas till två rader.

- första
- andra
  1. inre ett
  2. inre två

| Ruta. Du kan alltid säga nej.

System        Antal
------------  -----
Affärssystem  3
"""
    )


def test_a_table_that_is_too_wide_becomes_labelled_values() -> None:
    wide = f"| Uppgift | Innehåll |\n|---|---|\n| Anteckning | {'ord ' * 30}|\n| Tom |  |\n"
    text = to_text(wide)
    assert text.startswith("Uppgift: Anteckning\nInnehåll: ord ord")
    assert text.endswith("\n\nUppgift: Tom\n")
    assert max(len(line) for line in text.splitlines()) <= 76


def test_a_link_is_followed_by_its_address_in_text() -> None:
    assert to_text("Läs hos [IMY](https://www.imy.se).") == "Läs hos IMY (https://www.imy.se).\n"


def test_html_is_a_complete_page_in_its_language() -> None:
    page = to_html("# Rubrik", language="sv", title="Ärende <1>")
    assert page.startswith('<!DOCTYPE html>\n<html lang="sv">')
    assert "<title>Ärende &lt;1&gt;</title>" in page
    assert "<main>\n<h1>Rubrik</h1>\n</main>" in page


def test_html_table_headers_say_that_they_head_a_column() -> None:
    assert '<th scope="col">A</th>' in to_html("| A |\n|---|\n| b |\n", language="sv", title="t")


def test_raw_html_in_markdown_is_shown_not_run() -> None:
    page = to_html('<img src="x" onerror="alert(1)">', language="sv", title="t")
    assert "<img" not in page
    assert "&lt;img" in page


def told(pieces: Iterable[Sequence[Token]]) -> list[tuple[str, list[str]]]:
    """Each block's kind and texts; a table that goes on in the next piece is one table."""
    found: list[tuple[str, list[str]]] = []
    for piece in pieces:
        for opening, inside in blocks(piece):
            texts = [token.content for token in (opening, *inside) if token.content]
            if opening.meta.get("continued"):
                head = sum(token.type == "th_open" for token in inside)
                found[-1][1].extend(texts[head:])
            else:
                found.append((opening.type, texts))
    return found


PLAIN = ["# Rubrik", "stycke\när här", "- punkt\n- punkt", "> ruta", "---", "***", "text\n| a |\n|---|\n| b |"]
ODD_TABLES = ["```\n\n| a |\n|---|\n| b |\n\n```", "| a |\n|---|\n| b |\noch mer", "| a | b |\n|:-:|--:|"]


def table(rows: int) -> str:
    return "| nr | ord |\n|---|---|\n" + "".join(f"| {row} | x |\n" for row in range(rows))


BLOCKS = st.one_of(
    st.sampled_from(PLAIN), st.sampled_from(ODD_TABLES), st.sampled_from([0, 1, 199, 201, 450]).map(table)
)


@settings(deadline=None, max_examples=50)  # parsing takes its time on a busy machine
@given(st.lists(BLOCKS, max_size=5))
def test_in_pieces_a_document_says_the_same(parts: list[str]) -> None:
    markdown = "\n\n".join(parts)
    assert told(parse_pieces(markdown)) == told([parse(markdown)])


def test_no_piece_is_long() -> None:
    """Else a long table would need room for all of its rows at once."""
    assert max(len(piece) for piece in parse_pieces(f"text\n\n{table(5000)}\nslut")) < 2500
