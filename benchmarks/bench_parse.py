"""
How much longer a mail takes when it is read in the guarded child process; exit 1 above the limit.

Three kinds of mail, each read both ways in turns within one run; the fastest round of each counts, so that a busy
machine disturbs little. Starting the child is not part of it: that happens once per worker.
"""

import argparse
import time
from collections.abc import Callable, Iterator

from frame import Figure, run

from dsar import guard, mime
from dsar.model import InboundMail

LIMIT = 2.0  #: For the shortest mail, where the exchange between the processes weighs most.
ROUNDS = 7

HEAD = """\
Return-Path: <anna@example.se>
Received: from mx.example.se (mx.example.se [192.0.2.1]) by mail.xelent.se with ESMTPS; Mon, 2 Mar 2026 10:12:00 +0100
Authentication-Results: mail.xelent.se; dmarc=pass header.from=example.se
From: =?utf-8?q?Anna_=C3=96berg?= <anna@example.se>
To: gdpr@xelent.se
Message-ID: <1@example.se>
Date: Mon, 2 Mar 2026 10:11:58 +0100
Subject: =?utf-8?q?Beg=C3=A4ran_om_registerutdrag?=
MIME-Version: 1.0
"""
TEXT = "Hej! Jag vill veta vilka uppgifter ni har om mig, enligt artikel 15 i GDPR.\n\nMvh\nAnna Öberg\n"
PLAIN = f"Content-Type: text/plain; charset=utf-8\n\n{TEXT}"
PARAGRAPHS = f"<p class=MsoNormal><span style='font-size:11pt'>{TEXT}</span></p>\n" * 60
HTML = f"Content-Type: text/html; charset=utf-8\n\n<html><body>{PARAGRAPHS}</body></html>\n"
FILE = (
    f"Content-Type: application/zlib\nContent-Transfer-Encoding: base64\n\n{'QUJD' * 19}\n"
    + ("QUJD" * 19 + "\n") * 2600
)


def _with_parts(kind: str, *parts: str) -> str:
    joined = "".join(f"--b\n{part}\n" for part in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=b\n\n{joined}--b--\n"


MAILS = {
    "short": HEAD + PLAIN,
    "alternative": _with_parts("alternative", PLAIN, HTML),
    "attachment": _with_parts("mixed", PLAIN, FILE),
}


def seconds(read: Callable[..., InboundMail], content: bytes, mails: int) -> float:
    """How long one mail takes, on average of a round."""
    began = time.perf_counter()
    for _ in range(mails):
        read(content, own_domain="xelent.se")
    return (time.perf_counter() - began) / mails


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    for name, mail in MAILS.items():
        content = mail.replace("\n", "\r\n").encode()
        guard.read_mail(content, own_domain="xelent.se")
        rounds = [
            (seconds(guard.read_mail, content, given.mails), seconds(mime.read_mail, content, given.mails))
            for _ in range(ROUNDS)
        ]
        guarded, plain = (min(times) for times in zip(*rounds, strict=True))
        yield Figure(
            what=f"reading a mail in the guarded child: {name}, {len(content) / 1000:.0f} kB",
            value=guarded / plain,
            unit="times",
            most=LIMIT,
            against="in process",
            detail=f"{guarded * 1e6:.0f} us, {plain * 1e6:.0f} us",
        )


if __name__ == "__main__":
    run(__doc__, measure, full={"mails": 100}, small={"mails": 20})
