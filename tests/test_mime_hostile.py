"""Mails made to hold a reader: each is read, or refused, in less than a second of processor time."""

import contextlib
import time

import pytest
from documents import attached, docx, pdf, tnef, zipped

from dsar.errors import MalformedMailError
from dsar.mime import read_mail

FROM = b"From: a@example.se\r\n"


def headed(header: bytes, body: bytes = b"x") -> bytes:
    return FROM + header + b"\r\n\r\n" + body


def nested(count: int) -> bytes:
    parts = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (at, at) for at in range(count))
    return FROM + b"".join(parts) + b"\r\nx\r\n"


def nested_mails(count: int) -> bytes:
    return FROM + b"Content-Type: message/rfc822\r\n\r\n" * count + b"Subject: x\r\n\r\nx\r\n"


#: What public parsers took more than 20 seconds for, or broke on; most are larger than any mail that people write.
HOSTILE = {
    "100 nested multiparts": nested(100),
    "1000 nested multiparts": nested(1000),
    "5000 nested multiparts": nested(5000),
    "1000 nested mails": nested_mails(1000),
    "20000 nested mails": nested_mails(20_000),
    "50000 headers": b"".join(b"X-%d: y\r\n" % at for at in range(50_000)) + b"\r\nx",
    "1 MB in one header": headed(b"Subject: " + b"a" * 1_000_000),
    "1 MB of folded subject": headed(b"Subject: " + b"a b\r\n " * 200_000),
    "60 kB of folded subject": headed(b"Subject: " + b"a b\r\n " * 10_000),
    "20000 addresses": headed(b"To: " + b", ".join(b"u%d@x.example" % at for at in range(20_000))),
    "3000 addresses": headed(b"To: " + b", ".join(b"u%d@x.example" % at for at in range(3000))),
    "200000 commas": headed(b"To: " + b"," * 200_000),
    "60000 commas": headed(b"To: " + b"," * 60_000),
    "60000 commas from": b"From: " + b"," * 60_000 + b"\r\n\r\nx",
    "20000 open comments": headed(b"To: " + b"(" * 20_000),
    "20000 open comments from": b"From: " + b"(" * 20_000 + b"\r\n\r\nx",
    "20000 open angles": headed(b"To: " + b"<" * 20_000),
    "open quote": headed(b'To: "' + b"a" * 60_000),
    "3000 encoded words": headed(b"Subject: " + b"\r\n ".join(b"=?utf-8?q?=C3=A5?=" for _ in range(3000))),
    "broken encoded words": headed(b"Subject: " + b"=?" * 30_000),
    "nested groups": headed(b"Cc: " + b"a:" * 5000),
    "5000 parameters": headed(b"Content-Type: text/plain; " + b"; ".join(b"p%d=v" % at for at in range(5000))),
    "3000 pieces of a name": headed(
        b"Content-Disposition: attachment; " + b"; ".join(b"filename*%d=v" % at for at in range(3000))
    ),
    "open comment in Received": headed(b"Received: from x " + b"(" * 20_000 + b" by y; Mon, 1 Jan 2026 00:00:00 +0000"),
    "2000 Received": headed(
        b"\r\n".join([b"Received: from a (b [1.2.3.4]) by c with ESMTP id d; Mon, 1 Jan 2026 00:00:00 +0000"] * 2000)
    ),
    "20000 parts": headed(b"Content-Type: multipart/mixed; boundary=b", b"--b\r\n\r\nx\r\n" * 20_000 + b"--b--"),
    "near boundaries": headed(b"Content-Type: multipart/mixed; boundary=b", b"--bx\r\n" * 170_000),
    "date of 60000 digits": headed(b"Date: " + b"1" * 60_000),
    "Message-ID of dots": headed(b"Message-ID: <" + b"a." * 30_000 + b"@x>"),
    "Authentication-Results of 60 kB": headed(b"Authentication-Results: x; " + b"dkim=pass; " * 5000),
    "NUL and CR": headed(b"Subject: a\x00b\rc", b"x\x00\r" * 50_000),
    "punycode": headed(b"Content-Type: text/plain; charset=punycode", b"-" * 200_000),
    "unicode_escape": headed(b"Content-Type: text/plain; charset=unicode_escape", b"\\x41" * 1000),
    "hex": headed(b"Content-Type: text/plain; charset=hex", b"41" * 1000),
    "broken uuencode": headed(b"Content-Transfer-Encoding: x-uuencode", b"begin 644 x\r\n" + b"M" * 200_000),
    "begin, and begin again": headed(b"X: y", b"begin 644 x\n" * 50_000 + b"end"),
    "60 kB of On": headed(b"X: y", b"On " * 20_000),
    "60 kB of On in HTML": headed(b"Content-Type: text/html", b"<p>On " * 10_000),
    "deep HTML": headed(b"Content-Type: text/html", b"<div>" * 40_000),
    "style that nearly strikes": headed(
        b"Content-Type: text/html", b"<p style='" + b"text-decoration:" * 20_000 + b"'>x"
    ),
    "many kinds of hidden elements": headed(
        b"Content-Type: text/html", b"<p hidden>" + b"".join(b"<t%d>x" % at for at in range(20_000))
    ),
    "100 MB of zeros": attached(zipped({"word/document.xml": bytes(100_000_000)}), "brev.docx"),
    "8000 members": attached(zipped({str(at): "" for at in range(8000)}), "brev.zip"),
    "deep XML": attached(docx("<w:p>" * 100_000), "brev.docx"),
    "deep RTF": attached(b"{\\rtf1" + b"{" * 300_000, "brev.rtf"),
    "broken PDF": attached(pdf()[:-200] + b"1 0 obj " * 20_000, "brev.pdf"),
    "TNEF of tiny attributes": attached(tnef() + (b"\1\0\0\0\0" + b"\0" * 6) * 3000, "winmail.dat"),
    "PKCS #7 of nothing": headed(
        b"Content-Type: application/pkcs7-mime", bytes.fromhex("308006092a864886f70d010702") + b"\xa0\x80" * 100_000
    ),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mail_takes_less_than_a_second(content: bytes) -> None:
    """Read or refused, never a crash. A busy machine gets three tries."""
    assert any(seconds_to_read(content) < 1 for _ in range(3))


def seconds_to_read(content: bytes) -> float:
    begun = time.process_time()
    with contextlib.suppress(MalformedMailError):
        read_mail(content)
    return time.process_time() - begun
