"""The pages of each letter look as they did when somebody last looked at them, and read well."""

import re
import subprocess
from pathlib import Path

import pytest
from pictures import COMPANY, FOLDER, difference, document, kept, letters, picture_of

from dsar.letters import markdown_of
from dsar.letters.rules import RULES
from dsar.letters.samples import sample_facts
from dsar.markdown import to_text
from dsar.model import LetterKind

pytestmark = pytest.mark.usefixtures("poppler")

LETTERS = dict(letters())


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_looks_as_its_picture(name: str) -> None:
    """Where it differs: look at it (`dsar letter preview KIND --format pdf`), then `make pictures`."""
    assert difference(picture_of(LETTERS[name]), kept(name)) == ""


def test_no_picture_is_left_of_a_letter_that_is_gone() -> None:
    assert {file.stem for file in FOLDER.glob("*.png")} == set(LETTERS)


def test_the_pictures_are_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.glob("*.png")) < 1_500_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hej Anna!\n\nTack.", "Hej Anna!\n\nTack så mycket."),
        ("text", "> text"),
        ("| Vara | Belopp |\n|---|---|\n| stol | tolv |", "| Vara | Belopp |\n|---|--:|\n| stol | tolv |"),
        ("# Rubrik", "## Rubrik"),
        ("text", "text\n\n***\n\nmer"),
    ],
)
def test_a_difference_that_an_eye_sees_is_one(one: str, other: str) -> None:
    assert difference(picture_of(document(one, "sv")), picture_of(document(other, "sv"))) != ""


def words_of(name: str, tmp_path: Path) -> str:
    file = tmp_path / "letter.pdf"
    file.write_bytes(LETTERS[name])
    return subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize("name", [name for name in LETTERS if "-" in name])
def test_nothing_is_left_over_in_a_letter(tmp_path: Path, name: str) -> None:
    """No placeholder, no markup, no name of ours where a word should stand."""
    text = words_of(name, tmp_path)
    assert re.findall(r"\{\{|\}\}|\{%|None|True|False|(?<!\*)\*\*(?!\*)|&\w+;|\w+_\w+|\[U\+", text) == []


def sentences(language: str, kind: str) -> str:
    """The letter's text, a paragraph or point to the line; without its tables, where spaces make the columns."""
    text = to_text(markdown_of(LetterKind(kind), language, sample_facts(kind, language, controller=COMPANY)))
    parts = [part for part in text.split("\n\n") if not re.search(r"^-+  ", part, re.MULTILINE)]
    points = [point for part in parts for point in re.split(r"\n(?=- |\d\. )", part)]
    return "\n".join(" ".join(map(str.strip, point.splitlines())) for point in points)


KINDS = [(language, kind) for language in ("sv", "en") for kind in RULES if kind != "access_export"]


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_no_space_is_doubled_or_stands_before_a_sign(language: str, kind: str) -> None:
    assert re.findall(r"\S  +\S|\S+ [.,;:!?](?!\S)|\.\.(?!\.)|,,", sentences(language, kind)) == []


#: How a date stands in a letter: nominal ones only, with the month's name.
MONTHS = {
    "sv": "januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december",
    "en": "January|February|March|April|May|June|July|August|September|October|November|December",
}
#: The days of the sample facts; one of them shifted to a working day (2026-04-07, after Easter) must not appear.
DAYS = {"2 3 2026", "10 3 2026", "12 3 2026", "26 3 2026", "2 4 2026", "2 6 2026", "31 12 2029", "31 12 2033"}


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_every_date_is_one_of_the_facts_with_its_month_in_words(language: str, kind: str) -> None:
    text = sentences(language, kind)
    months = MONTHS[language].split("|")
    found = re.findall(rf"(\d{{1,2}}) ({MONTHS[language]}) (\d{{4}})", text)
    assert {f"{day} {months.index(month) + 1} {year}" for day, month, year in found} <= DAYS
    assert re.findall(r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}|\d\d:\d\d", text) == []


#: Words of officialese, and the plain ones instead (Myndigheternas skrivregler; Article 12(1): "clear and plain").
STIFF = (
    "härmed|erhåll\\w*|avseende|vidtag\\w*|föreligg\\w*|inkomm\\w*|tillhandahåll\\w*|beträffande|jämlikt|vederbörande|"
    "ovanstående|nedanstående|densamma|erfordras|ombesörj\\w*|hereby|herein|pursuant|aforementioned|henceforth|thereof"
)


@pytest.mark.parametrize(("language", "kind"), KINDS)
def test_letters_speak_plainly(language: str, kind: str) -> None:
    """No officialese, and no sentence that has to be read twice."""
    text = sentences(language, kind)
    assert re.findall(rf"\b(?:{STIFF})\b", text, re.IGNORECASE) == []
    longest = max(re.split(r"(?<=[.!?:])\s+|\n", text), key=lambda sentence: len(sentence.split()))
    assert len(longest.split()) <= 42, longest
