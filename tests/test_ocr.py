"""Pictures and scans are read where tesseract is installed; what they ask a person sorts, for a machine misreads."""

import shutil
import sys
import time
from pathlib import Path

import pytest
from documents import attached, photographed, scanned_pdf
from office import open_office
from servers.parts import missing

from dsar import ocr
from dsar.guard import Guard
from dsar.mime import read_mail
from dsar.mime.documents import PICTURE, SCAN

ASKS = "Hej!\nJag begär ett registerutdrag enligt artikel 15.\nVänliga hälsningar\nMaria Öberg"
CHATS = "Protokoll från mötet om nya lampor\noch stolar i konferensrummet på plan tre."


@pytest.fixture(autouse=True)
def installed() -> None:
    if shutil.which("tesseract") is None:
        missing("tesseract")


@pytest.mark.parametrize(
    ("content", "filename"), [(photographed(ASKS), "brev.jpg"), (scanned_pdf(ASKS), "brev.pdf")], ids=["photo", "scan"]
)
def test_a_request_in_a_picture_is_read_and_put_before_a_person(content: bytes, filename: str, tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        message = office.take(
            attached(content, filename, text="Se bifogat brev.\n").replace(b"anna@example.se", b"maria@example.se")
        )

        (request,) = office.requests()
        assert (request.right, request.state) == ("access", "triage")
        assert message.disposition == "request"


def test_what_a_picture_says_is_marked_as_read_by_a_machine() -> None:
    read = read_mail(attached(photographed(CHATS), "bild.jpg"), read_picture=ocr.picture_reader())

    (text,) = read.attachment_texts
    assert text.from_picture
    assert "nya lampor" in text.text
    assert read.unread == ()


def test_a_picture_without_words_is_for_a_person() -> None:
    """It may be a letter written by hand."""
    read = read_mail(attached(photographed(""), "bild.jpg", text="Se bild"), read_picture=ocr.picture_reader())
    scan = read_mail(attached(scanned_pdf(""), "brev.pdf", text="Se brev"), read_picture=ocr.picture_reader())

    assert (read.unread, scan.unread) == ((PICTURE,), (SCAN,))


def test_a_picture_below_a_long_text_is_not_read() -> None:
    text = "Vår skrivare på plan tre vill inte mer. " * 5

    read = read_mail(attached(photographed(ASKS), "bild.jpg", text=text), read_picture=ocr.picture_reader())

    assert (read.attachment_texts, read.unread) == ((), ())


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8\xff" + bytes(40_000), b"II*\0" + b"\xff" * 40_000, photographed()[:30_000]],
    ids=["zeros", "a broken TIFF", "half a photo"],
)
def test_a_broken_picture_fails_no_mail(content: bytes) -> None:
    guard = Guard()
    read = guard.read_mail(attached(content, "bild.jpg", text="Se bild"), own_domain="xelent.se")
    guard.close()

    assert read.text == "Se bild"


def test_reading_pictures_ends_in_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before the guard would take the whole mail for one that cannot be read."""
    slow = tmp_path / "tesseract"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n", "utf-8")
    slow.chmod(0o755)
    monkeypatch.setattr(ocr, "_command", lambda: (str(slow), "swe"))
    monkeypatch.setattr(ocr, "_SECONDS", 1.0)
    read = ocr.picture_reader()
    assert read is not None
    begun = time.monotonic()

    assert [read(b""), read(b"")] == ["", ""]
    assert time.monotonic() - begun < 40


def test_without_the_program_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "_PLACES", "/nowhere")
    ocr._command.cache_clear()

    assert (ocr.picture_reader(), ocr.languages()) == (None, "")
    ocr._command.cache_clear()
