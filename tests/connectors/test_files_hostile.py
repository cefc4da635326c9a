"""Files of an office that somebody has made in order to do harm: they make the answer incomplete, and nothing else."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from registers import CELLS, as_csv, connect, write_book

from connectors import conformance
from connectors.tables import LARGEST_UNPACKED_BYTES, sheets
from dsar.connector import SearchAnswer
from dsar.model import IdentifierType

Change = Callable[[str, bytes], bytes]
SECRET = "the secret of another file"
_LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


def rewritten(path: Path, change: Change) -> None:
    """Every member of the archive as *change* makes it of its name and content."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, change(name, content))


def search(folder: Path) -> SearchAnswer:
    answer: SearchAnswer = connect(folder).search(
        [conformance.identifier(IdentifierType.CUSTOMER_NO, "K1")], read_at=conformance.READ_AT
    )
    return answer


def said(answer: SearchAnswer) -> str:
    return " ".join(value.value for record in answer.records for value in record.values)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A register with a comment, beside one that is as it should be."""
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "a.csv").write_text(as_csv(CELLS), encoding="utf-8")
    path = folder / "register.xlsx"
    write_book(path, comment="Ring inte hit")
    (tmp_path / "secret.txt").write_text(SECRET, "utf-8")
    return path


def with_entities(declared: str, *, part: str) -> Change:
    """Declare entities in each member whose name holds *part*, and use &x; in the first text of it."""

    def change(name: str, content: bytes) -> bytes:
        if part not in name:
            return content
        text = content.decode()
        head, _, rest = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
        text = f'<?xml version="1.0"?><!DOCTYPE x [{declared}]>{rest if head else text}'
        return text.replace("<t>", "<t>&x;", 1).replace("<t ", "<t>&x;</t><t ", 1).encode()

    return change


@pytest.mark.parametrize("part", ["comments", "sharedStrings", "sheet1"])
def test_an_entity_brings_no_other_file(book: Path, part: str) -> None:
    secret = (book.parent.parent / "secret.txt").as_uri()
    rewritten(book, with_entities(f'<!ENTITY x SYSTEM "{secret}">', part=part))

    assert SECRET not in said(search(book.parent))


@pytest.mark.parametrize("part", ["comments", "sharedStrings", "sheet1"])
def test_entities_within_entities_fill_no_memory(book: Path, part: str) -> None:
    rewritten(book, with_entities(f'<!ENTITY a0 "ha">{_LAUGHS}<!ENTITY x "&a9;">', part=part))

    assert len(said(search(book.parent))) < 100_000


@pytest.mark.parametrize("part", ["comments", "sharedStrings", "sheet1", "workbook.xml", "Content_Types"])
@pytest.mark.parametrize("damage", [b"<torn", b"", b"\x00\xff" * 50, b"<x>" * 20_000])
def test_damage_anywhere_makes_the_answer_incomplete_and_the_other_file_is_read(
    book: Path, part: str, damage: bytes
) -> None:
    rewritten(book, lambda name, content: damage if part in name else content)

    answer = search(book.parent)

    assert "K1" in conformance.numbers(answer.records)
    assert answer.complete is False


def test_a_book_that_would_fill_the_memory_is_not_unpacked(book: Path) -> None:
    """Its directory says what it would become."""
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.xml", b"0" * 1000)
        archive.getinfo("xl/bomb.xml").file_size = LARGEST_UNPACKED_BYTES

    with pytest.raises(ValueError, match="larger than any should be"):
        list(sheets(book))
    assert search(book.parent).complete is False


def test_a_link_to_a_folder_outside_leads_nowhere(book: Path) -> None:
    outside = book.parent.parent / "outside"
    outside.mkdir()
    (outside / "b.csv").write_text(as_csv([list(CELLS[0]), ["K1", SECRET, "", "", "0"]]), encoding="utf-8")
    (book.parent / "b.csv").symlink_to(outside / "b.csv")

    assert SECRET not in said(search(book.parent))
