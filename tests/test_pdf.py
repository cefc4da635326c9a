"""Markdown becomes a PDF that everybody can read, copy from, search and check."""

import io
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from builders import facts, record, value
from PIL import Image

from dsar.errors import LogoError
from dsar.letters import compose_export
from dsar.markdown import escape
from dsar.model import Look
from dsar.pdf import protect, render
from dsar.pdf.fonts import showable

AT = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)

needs_poppler = pytest.mark.usefixtures("poppler")
needs_qpdf = pytest.mark.usefixtures("qpdf")


def pdf_of(markdown: str, *, language: str = "sv") -> bytes:
    return render(markdown, title="Ärende D-2026-00042", language=language, footer="Ärende D-2026-00042", created_at=AT)


def said_by(tool: str, content: bytes, tmp_path: Path, *options: str) -> str:
    """Output of a command-line *tool* on the file."""
    path = tmp_path / "document.pdf"
    path.write_bytes(content)
    last = ["-"] if tool == "pdftotext" else []
    return subprocess.run([tool, *options, path, *last], capture_output=True, check=True, text=True).stdout


EXPORT = compose_export("sv", facts(records=(record(value("Åsa Öberg 😀 €"), value("fet <b>", path="b")),)))


@needs_poppler
def test_text_is_extracted_as_it_was_written(tmp_path: Path) -> None:
    """Characters beyond U+FFFF too, which ReportLab alone maps to others."""
    assert "Åsa Öberg 😀 €" in said_by("pdftotext", pdf_of(EXPORT), tmp_path)


@needs_poppler
def test_a_character_without_glyph_is_named(tmp_path: Path) -> None:
    assert "leende [U+1F970] klar" in said_by("pdftotext", pdf_of("leende 🥰 klar"), tmp_path)


#: Script -> a sentence in it; those that DejaVu Sans lacks come from fonts of their own.
SCRIPTS = {
    "amharic": "ሰላም ለዓለም ትግርኛ",
    "armenian": "Բարեւ աշխարհ",
    "bengali": "বাংলা নমস্কার কোলকাতা",
    "chinese": "漢字简体中文",
    "cyrillic": "Привіт, світе",
    "devanagari": "हिन्दी नमस्ते",
    "emoji": "🚀 🎉 🙏 👍🏽 👩\u200d💻 🇸🇪",
    "georgian": "გამარჯობა",
    "greek": "Καλημέρα",
    "gurmukhi": "ਸਤਿ ਸ੍ਰੀ ਅਕਾਲ",
    "japanese": "こんにちは カタカナ",
    "polish": "Zażółć gęślą jaźń",
    "signs": "✓ klar, ☎ 0340 → ≤ № ½",
    "tamil": "தமிழ் வணக்கம் கொழும்பு",
    "thai": "สวัสดีชาวโลก",
    "vietnamese": "Nguyễn Thị Hồng",
}


@needs_poppler
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("bold", [False, True])
def test_every_script_is_copied_as_it_was_written(tmp_path: Path, script: str, *, bold: bool) -> None:
    text = SCRIPTS[script]
    markdown = f"**{text}**" if bold else f"| A |\n|---|\n| {text} |\n"
    assert text in said_by("pdftotext", pdf_of(markdown), tmp_path)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_character_of_a_script_has_a_glyph(script: str) -> None:
    assert showable(SCRIPTS[script]) == SCRIPTS[script]


@needs_poppler
def test_a_letter_and_its_accent_written_apart_are_searched_for_as_they_are_stored(tmp_path: Path) -> None:
    assert "A\u030angstro\u0308m" in said_by("pdftotext", pdf_of("A\u030angstro\u0308m"), tmp_path)


@needs_poppler
def test_every_font_is_embedded_and_no_other_is_named(tmp_path: Path) -> None:
    fonts = said_by("pdffonts", pdf_of("*kursiv* **fet** ***båda***\n\n- punkt\n\n" + EXPORT), tmp_path)
    rows = fonts.splitlines()[2:]
    assert len(rows) == 4
    for row in rows:
        assert re.match(r"[A-Z]{6}\+DejaVuSans\S*\s+TrueType\s+WinAnsi\s+yes yes yes", row)


@needs_qpdf
def test_qpdf_finds_no_fault(tmp_path: Path) -> None:
    assert "No syntax or stream encoding errors found" in said_by("qpdf", pdf_of(EXPORT), tmp_path, "--check")


def test_the_same_input_gives_the_same_bytes() -> None:
    first = pdf_of(EXPORT)
    pdf_of("något **annat** emellan")
    assert pdf_of(EXPORT) == first


@needs_poppler
def test_pages_are_numbered_with_their_total(tmp_path: Path) -> None:
    text = said_by("pdftotext", pdf_of("stycke\n\n" * 100), tmp_path)
    assert re.findall(r"Sida \d+ av \d+", text) == ["Sida 1 av 3", "Sida 2 av 3", "Sida 3 av 3"]


def test_metadata_hold_title_and_language_and_no_person() -> None:
    content = pdf_of(EXPORT)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert pdf.Root.Lang == "sv"
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert pdf.docinfo.Title == "Ärende D-2026-00042"
        assert set(pdf.docinfo) == {"/Title", "/Producer", "/CreationDate", "/ModDate"}
        assert pdf.docinfo.CreationDate == "D:20261125093000Z"
        assert "Anna" not in pdf.Root.Metadata.read_bytes().decode()


@needs_poppler
def test_a_screen_reader_gets_headings_lists_and_tables(tmp_path: Path) -> None:
    markdown = "# Rubrik\n\nText.\n\n- punkt\n\n> ruta\n\n| A | B |\n|---|---|\n| c | d |\n"
    tree = said_by("pdfinfo", pdf_of(markdown), tmp_path, "-struct-text")
    assert [word for line in tree.splitlines() if (word := line.split()[0].rstrip(":")) and line.strip()[0] != '"'] == [
        "Document",
        *("H1", "P", "L", "/ListNumbering", "LI", "Lbl", "LBody", "P", "BlockQuote", "P"),
        *("Table", "TR", "TH", "/Scope", "TH", "/Scope", "TR", "TD", "TD"),
    ]


@needs_poppler
def test_broken_lines_are_read_with_the_spaces_between_them(tmp_path: Path) -> None:
    paragraph = "ett **stycke** som bryts på flera rader " * 10
    heard = said_by("pdfinfo", pdf_of(paragraph), tmp_path, "-struct-text")
    assert f'"{paragraph.replace("*", "").strip()}"' in heard


def test_headings_make_an_outline() -> None:
    with pikepdf.open(io.BytesIO(pdf_of("# Ett\n\n## Två\n\ntext\n\n## Tre\n"))) as pdf, pdf.open_outline() as outline:
        assert [item.title for item in outline.root] == ["Ett"]
        assert [item.title for item in outline.root[0].children] == ["Två", "Tre"]


@needs_poppler
@pytest.mark.parametrize("lines", range(26, 36))
def test_no_heading_stands_alone_at_the_foot_of_a_page(lines: int, tmp_path: Path) -> None:
    filling = "".join(f"rad {number}\n\n" for number in range(lines))
    markdown = f"{filling}### Affärssystemet\n\n#### Kund K1\n\n| Uppgift | Innehåll |\n|---|---|\n| Namn | Eva |\n"
    pages = said_by("pdftotext", pdf_of(markdown), tmp_path).split("\f")
    assert ["Affärssystemet" in page for page in pages] == ["Eva" in page for page in pages]


@needs_poppler
def test_a_large_table_goes_on_over_pages_with_its_header(tmp_path: Path) -> None:
    rows = "".join(f"| rad {number} | {'lång text ' * (number % 20)}|\n" for number in range(2000))
    content = pdf_of(f"| Nummer | Innehåll |\n|---|---|\n{rows}")
    text = said_by("pdftotext", content, tmp_path)
    assert [int(number) for number in re.findall(r"rad (\d+)", text)] == list(range(2000))
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert text.count("Nummer") == len(pdf.pages)


@needs_poppler
def test_a_value_longer_than_a_page_is_whole(tmp_path: Path) -> None:
    words = " ".join(f"ord{number}" for number in range(3000))
    text = said_by("pdftotext", pdf_of(f"| A | B |\n|---|---|\n| kort | {words} |\n"), tmp_path)
    assert re.findall(r"ord\d+", text) == words.split()


def widest_right_edge(content: bytes, tmp_path: Path) -> float:
    boxes = said_by("pdftotext", content, tmp_path, "-bbox")
    return max(float(edge) for edge in re.findall(r'xMax="([\d.]+)"', boxes))


@needs_poppler
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_a_word_of_200_letters_stays_on_the_page(tmp_path: Path, columns: int) -> None:
    row = f"| {' | '.join(['w' * 200] * columns)} |\n"
    head = f"| {' | '.join('ABCDE'[:columns])} |\n|{'---|' * columns}\n"
    assert widest_right_edge(pdf_of(head + row), tmp_path) < 595 - 60


@needs_poppler
@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("<b>fet</b>", "<b>fet</b>"),
        ('<img src="/etc/passwd"/>', '<img src="/etc/passwd"/>'),
        ("</para><para>", "</para><para>"),
        ("{{7*7}}", "{{7*7}}"),
        ("](javascript:alert(1))", "](javascript:alert(1))"),
        ("&lt;b&gt;", "&lt;b&gt;"),
        ("a|b", "a|b"),
        ("\x1b[31mröd", "[31mröd"),
        ("\u202eomvänd", "omvänd"),
    ],
)
def test_hostile_values_are_printed_not_obeyed(tmp_path: Path, hostile: str, shown: str) -> None:
    markdown = f"| A |\n|---|\n| {escape(hostile, keep_lines=True)} |\n"
    assert shown in said_by("pdftotext", pdf_of(markdown), tmp_path).splitlines()


def test_the_document_holds_nothing_active() -> None:
    content = pdf_of("[länk](https://example.se) " + EXPORT)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert all("/Annots" not in page for page in pdf.pages)
        assert not {"/OpenAction", "/AA", "/AcroForm", "/Names"} & set(pdf.Root.keys())


def test_a_protected_copy_opens_with_its_password_only() -> None:
    locked = protect(pdf_of("hemligt"), "åtta små grisar")
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(locked))
    with pikepdf.open(io.BytesIO(locked), password="åtta små grisar") as pdf:
        assert pdf.encryption.R == 6
        assert pdf.encryption.bits == 256


def test_the_data_are_embedded_for_machines_and_the_bytes_stay_the_same() -> None:
    """Names and dates of the file come from the arguments, so that the same input still gives the same bytes."""

    def made() -> bytes:
        files = {"D-2026-00042.json": ("application/json", b'{"a": 1}')}
        return render("text", title="x", language="sv", footer="x", created_at=AT, attachments=files)

    with pikepdf.open(io.BytesIO(made())) as pdf:
        assert pdf.attachments["D-2026-00042.json"].get_file().read_bytes() == b'{"a": 1}'
        assert pdf.Root.AF[0].AFRelationship == "/Data"
    assert made() == made()


RIGHT_TO_LEFT = {
    "arabic": "تلقينا طلبك وسنرد عليك في أقرب وقت ممكن خلال شهر واحد من تاريخ استلامه إن شاء الله ولا يكلفك ذلك شيئا",
    "persian": "درخواست شما را دریافت کردیم و در اولین فرصت ظرف یک ماه از تاریخ دریافت به شما پاسخ خواهیم داد",
    "hebrew": "קיבלנו את בקשתך ונענה לך בהקדם האפשרי בתוך חודש אחד מיום קבלתה וזה לא יעלה לך דבר כלל ועיקר תודה רבה",
}


@needs_poppler
@pytest.mark.parametrize("script", RIGHT_TO_LEFT)
@pytest.mark.parametrize("form", ["{}", "| A | B |\n|---|---|\n| {} | x |\n", "> {}", "- {}", "***{}***"])
def test_lines_from_right_to_left_follow_each_other_as_they_were_written(
    tmp_path: Path, script: str, form: str
) -> None:
    """The words in their own letters, each line read from its right, the lines from above."""
    boxes = said_by("pdftotext", pdf_of(form.format(RIGHT_TO_LEFT[script])), tmp_path, "-bbox")
    words = re.findall(r'yMin="([\d.]+)" xMax="([\d.]+)" yMax="[\d.]+">([^<]*[\u0590-\u08ff][^<]*)<', boxes)
    seen = sorted((float(above), -float(right), word[::-1]) for above, right, word in words)
    assert [word for _above, _right, word in seen] == RIGHT_TO_LEFT[script].split()


@needs_poppler
def test_a_line_from_right_to_left_ends_at_the_right_margin(tmp_path: Path) -> None:
    boxes = said_by("pdftotext", pdf_of(RIGHT_TO_LEFT["hebrew"] + " " + RIGHT_TO_LEFT["hebrew"]), tmp_path, "-bbox")
    words = re.findall(r'xMax="([\d.]+)" yMax="([\d.]+)">[\u0590-\u05ff]', boxes)
    lines: dict[str, float] = {}
    for right, line in words:
        lines[line] = max(lines.get(line, 0), float(right))
    assert len(lines) >= 3
    assert all(abs(right - (595.28 - 62.36)) < 1 for right in lines.values())


@needs_poppler
def test_numbers_and_latin_words_inside_arabic_keep_their_own_direction(tmp_path: Path) -> None:
    assert "K10001" in said_by("pdftotext", pdf_of("رقم العميل K10001 منذ 2019"), tmp_path)


@pytest.mark.parametrize("text", ["مرحبا بالعالم", "שלום עולם"])
def test_what_is_written_from_right_to_left_is_read_aloud_as_it_was_written(text: str) -> None:
    with pikepdf.open(io.BytesIO(pdf_of(f"| Namn |\n|---|\n| {text} |\n"))) as pdf:
        spoken = [
            str(each.ActualText)
            for each in pdf.objects
            if isinstance(each, pikepdf.Dictionary) and "/ActualText" in each
        ]
    assert spoken == [text]


@needs_poppler
def test_a_link_to_a_heading_says_on_which_page_it_stands(tmp_path: Path) -> None:
    markdown = "Se [Dina uppgifter](#dina-uppgifter)\n\n***\n\ntext\n\n***\n\n## Dina uppgifter\n\nhär\n"
    text = said_by("pdftotext", pdf_of(markdown), tmp_path).replace("\u00a0", " ")
    assert "Se Dina uppgifter, sida 3\n" in text


@needs_poppler
@pytest.mark.parametrize("lines", range(24, 40))
def test_a_line_that_leads_to_a_table_stands_on_its_page(lines: int, tmp_path: Path) -> None:
    filling = "".join(f"rad {number}\n\n" for number in range(lines))
    table = "| Uppgift | Innehåll |\n|---|---|\n| Namn | Lind |\n| Ort | Varberg |\n"
    markdown = f"{filling}Det här gäller kunden Eva:\n\n{table}"
    pages = said_by("pdftotext", pdf_of(markdown), tmp_path).split("\f")
    assert ["gäller kunden" in page for page in pages] == ["Varberg" in page for page in pages]


@needs_poppler
def test_of_a_paragraph_no_single_line_is_left_alone(tmp_path: Path) -> None:
    """Neither at the foot of a page nor at the top of the next."""
    paragraph = " ".join(f"ord{number}" for number in range(60))
    for lines in range(26, 36):
        filling = "".join(f"rad {number}\n\n" for number in range(lines))
        boxes = said_by("pdftotext", pdf_of(filling + paragraph), tmp_path, "-bbox")
        for page in boxes.split("<page ")[1:]:
            heights = set(re.findall(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="[\d.]+">ord', page))
            assert len(heights) != 1


@needs_poppler
def test_an_address_stands_in_the_window_of_the_envelope_and_nothing_else_does(tmp_path: Path) -> None:
    """The right-hand window of a C5 envelope shows 100 to 190 mm from the left, 45 to 85 mm from above."""
    address = ("Kim Öberg", "Lilla gatan 7 B", "432 44 VARBERG")
    letter = render(
        "**Firman**\n\n---\n\n" + "ord " * 400, title="x", language="sv", footer="x", created_at=AT, address=address
    )
    boxes = said_by("pdftotext", letter, tmp_path, "-bbox")
    millimetre = 72 / 25.4
    inside = [
        word
        for left, above, right, below, word in re.findall(
            r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', boxes.split("</page>")[0]
        )
        if float(right) > 100 * millimetre and 45 * millimetre < float(below) and float(above) < 85 * millimetre
    ]
    assert inside == " ".join(address).split()


@needs_poppler
def test_an_address_is_read_before_the_letter(tmp_path: Path) -> None:
    letter = render("Hej", title="x", language="sv", footer="x", created_at=AT, address=("Kim Öberg", "432 44 VARBERG"))
    heard = said_by("pdfinfo", letter, tmp_path, "-struct-text")
    assert re.findall(r'"(.*)"', heard) == ["Kim Öberg 432 44 VARBERG", "Hej"]


def test_colours_and_logo_are_those_of_the_company() -> None:
    picture = io.BytesIO()
    Image.new("RGB", (30, 10), "#8a2b5b").save(picture, "PNG")
    look = Look(accent="#8a2b5b", tint="#f6ebf1", logo=picture.getvalue())
    letter = render("# Rubrik\n\n> ruta", title="x", language="sv", footer="x", created_at=AT, look=look)
    with pikepdf.open(io.BytesIO(letter)) as pdf:
        code = pdf.pages[0].Contents.read_bytes().decode("latin-1")
        drawn = [thing.Subtype for thing in pdf.pages[0].Resources.XObject.values()]
        assert drawn.count(pikepdf.Name.Image) == 1
    assert "0.541 0.169 0.357 rg" in code
    assert "0.965 0.922 0.945 rg" in code


def test_everything_on_a_page_is_content_or_artifact() -> None:
    """ISO 14289-1 section 7.1: nothing is drawn outside of a mark."""
    with pikepdf.open(io.BytesIO(pdf_of(EXPORT))) as pdf:
        for page in pdf.pages:
            depth = 0
            for instruction in pikepdf.parse_content_stream(page):
                operator = str(instruction.operator)
                depth += {"BDC": 1, "BMC": 1, "EMC": -1}.get(operator, 0)
                assert depth > 0 or operator not in {"Tj", "TJ", "Do", "f", "S", "B"}


@needs_poppler
def test_every_mark_on_a_page_leads_to_an_element_that_has_it_and_is_in_the_tree() -> None:
    """ISO 32000-1 section 14.7.4.4; with a row that is divided between pages, and one that is read otherwise."""
    rows = "".join(
        f"| {number} | {'ord ' * (2000 if number == 40 else 9)}{'שלום' * (number == 60)} |\n" for number in range(90)
    )
    with pikepdf.open(io.BytesIO(pdf_of(f"# A\n\n| Nr | Vad |\n|---|---|\n{rows}\n- slut\n"))) as document:
        root = document.Root.StructTreeRoot
        numbers = list(root.ParentTree.Nums)
        told = [
            (int(page), mark, tuple(element.objgen))
            for page, elements in zip(numbers[::2], numbers[1::2], strict=True)
            for mark, element in enumerate(elements)
        ]
        places = {tuple(page.obj.objgen): page.obj.StructParents for page in document.pages}
        found: list[tuple[int, int, tuple[int, ...]]] = []
        left = [(root.K[0], root)]
        while left:
            element, above = left.pop()
            assert element.P.objgen == above.objgen
            for kid in element.K:
                if "/MCID" in kid:
                    found.append((int(places[tuple(kid.Pg.objgen)]), int(kid.MCID), tuple(element.objgen)))
                else:
                    left.append((kid, element))
        assert sorted(told) == sorted(found)
        table = next(each for each in root.K[0].K if each.S == "/Table")
        assert [len(row.K) for row in table.K] == [2] * 91


def test_every_table_of_an_answer_has_header_cells_and_every_row_as_many_cells(tmp_path: Path) -> None:
    tree = said_by("pdfinfo", pdf_of(EXPORT), tmp_path, "-struct")
    tables = tree.split("Table (block)")[1:]
    assert tables
    for table in tables:
        rows = [len(re.findall(r"\b(?:TH|TD)\b", row)) for row in re.split(r"\bTR\b", table.split("(block)")[0])[1:]]
        assert len(set(rows)) == 1
        assert table.count("/Scope /Column") == rows[0]


def test_the_outline_names_every_heading_with_its_page() -> None:
    with (
        pikepdf.open(io.BytesIO(pdf_of("# Ett\n\n***\n\n### Tre\n\ntext\n\n## Två\n"))) as pdf,
        pdf.open_outline() as outline,
    ):
        (first,) = outline.root
        assert [item.title for item in first.children] == ["Tre", "Två"]
        places = [item.destination for item in (first, *first.children)]
        pages = [pdf.pages.index(pikepdf.Page(place[0])) for place in places if isinstance(place, pikepdf.Array)]
        assert pages == [0, 1, 1]


def test_a_broken_logo_is_refused_by_its_setting() -> None:
    look = Look(logo=b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(LogoError, match="logo"):
        render("text", title="x", language="sv", footer="x", created_at=AT, look=look)
