"""
What is fuzzed: name -> function of bytes that raises for nothing but a fault of ours.

A target states what must hold for any bytes: no other error than the one that is declared, less than the processor
time that is allowed, no character that steers a terminal, no line lost.
"""

import sys
import time
from collections.abc import Callable
from email import message_from_bytes
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from documents import attached, docx, in_pieces, odt, pdf, tnef, zipped

from dsar.errors import MalformedMailError
from dsar.mime import read_mail
from dsar.mime.containers import signed_content, take_uuencoded, unpack_rtf, unpack_tnef
from dsar.mime.documents import read_document
from dsar.mime.headers import Headers, decode_words
from dsar.mime.quotes import cut_text
from dsar.mime.rtf import rtf_text
from dsar.mime.visible import visible_text
from dsar.mime.words import decode_text, printable
from dsar.model import InboundMail, SenderAuthentication
from dsar.triage import triage
from dsar.triage.encoder import heard_in

#: Processor time for one input; hypothesis and atheris make small ones.
MOST_SECONDS = 2.0
_MAILS = Path(__file__).parents[1] / "mails"
_HEAD = b"From: Anna Ek <anna@example.se>\r\nTo: gdpr@xelent.se\r\nMessage-ID: <1@example.se>\r\n"


def run(target: Callable[[bytes], None], data: bytes) -> None:
    """Run one target within its time."""
    begun = time.process_time()
    target(data)
    taken = time.process_time() - begun
    if taken > MOST_SECONDS:
        raise AssertionError(f"{len(data)} bytes took {taken:.1f} s of processor time")


heard_in([])  # its weights are loaded once, by no input


def _harmless(*texts: str) -> None:
    for text in texts:
        if any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or 0x202A <= ord(c) < 0x202F for c in text):
            raise AssertionError("a control character came through")


def parser(data: bytes) -> None:
    """A whole mail, and what triage makes of it."""
    try:
        mail = read_mail(data)
    except MalformedMailError:
        return
    _check(mail)
    triage(mail, sender_authentication=SenderAuthentication.NONE)


def _check(mail: InboundMail) -> None:
    _harmless(mail.text, mail.subject, mail.sender_name, mail.signature, *mail.to, *mail.references)
    _harmless(*(text for each in mail.attachment_texts for text in (each.filename, each.text)))
    if any("/" in each.filename or "\\" in each.filename for each in mail.attachments):
        raise AssertionError("a file name leads elsewhere")


def cutter(data: bytes) -> None:
    """The lines of a text, each in one of three."""
    text = printable(data.decode("utf-8", "replace"))
    cut = cut_text(text)
    three = [line for part in cut for line in part.split("\n") if line.strip()]
    if sorted(three) != sorted(line for line in text.split("\n") if line.strip()):
        raise AssertionError("a line was lost or doubled")


def headers(data: bytes) -> None:
    """Every reader of a header."""
    read = Headers(message_from_bytes(data))
    _harmless(read.text("subject"), *read.addresses("from"), *read.message_ids("references"), read.sender()[0])
    read.all_texts("authentication-results")
    read.trace()
    read.arrived()
    read.defects()
    _harmless(decode_words(data.decode("ascii", "surrogateescape")))


def documents(data: bytes) -> None:
    """Attachments of every kind."""
    for name in ("x.pdf", "x.docx", "x.rtf", "x.txt", "x.html"):
        _harmless(read_document(name, "application/octet-stream", data).text)
    rtf_text(b"{\\rtf1" + data)


def containers(data: bytes) -> None:
    """What holds other parts."""
    unpack_tnef(data)
    unpack_rtf(data)
    signed_content(data)
    take_uuencoded(decode_text(data, "")[0])


def html(data: bytes) -> None:
    """A page."""
    visible_text(data.decode("utf-8", "replace"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (parser, cutter, headers, documents, containers, html)
}


@cache
def seeds(name: str) -> list[bytes]:
    """What mutation begins with."""
    mails = [path.read_bytes() for path in sorted(_MAILS.glob("*.eml"))]
    inner = b"Content-Type: text/plain; charset=utf-8\r\n\r\nJag beg\xc3\xa4r ett utdrag\r\n"
    files = [pdf(), docx(), odt(), zipped({"a.txt": "x"}), rb"{\rtf1\ansi\ansicpg1252 Hej \'e5\u8364?\par}"]
    boxes = [tnef("Hej", **{"a.txt": b"x"}), in_pieces(inner)]
    pages = [mail.partition(b"\n\n")[2] for mail in mails if b"<html" in mail.lower()] or [b"<p>Hej"]
    parts = [_HEAD + b"Content-Type: message/rfc822\r\n\r\n" + mail for mail in mails[:3]]
    parts += [attached(file, "x") for file in files] + [attached(boxes[0], "winmail.dat")]
    parts += [_HEAD + b"Content-Type: application/pkcs7-mime\r\n\r\n" + boxes[1]]
    kinds = {
        "parser": [*mails, *parts],
        "cutter": [mail.partition(b"\n\n")[2] for mail in mails],
        "headers": [mail.partition(b"\n\n")[0] for mail in mails],
        "documents": files,
        "containers": boxes,
        "html": pages,
    }
    return kinds[name]


#: Pieces that readers look for.
TOKENS = [
    b"\r\n", b"\n\n", b"--", b"> ", b":", b"=?utf-8?q?", b"?=", b"<", b">", b"(", b'"', b";", b"=", b"\0", b"\xff",
    b"begin 644 x\n", b"\nend\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--",
    b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"\nFr\xc3\xa5n: x\nSkickat: y\nTill: z\n",
    b"\n-- \n", b"\nMvh\n", b"skrev den 2026-03-03 10:12:\n", b"-----BEGIN PGP SIGNED MESSAGE-----", b"<!--", b"<s>",
    b"<p style='display:none'>", b"</p>", b"&#0;", b"{", b"}", b"\\bin9 ", b"\\u-1 ", b"%PDF-", b"PK\x03\x04",
    b"\x30\x80", b"\x24\x80",
    b"From: ", b"Subject: ", b"charset=utf-16", b"format=flowed; delsp=yes", b"\xe2\x80\xae", b"\xf3\xa0\x81\xa1",
]  # fmt: skip
