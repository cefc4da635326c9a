"""Mailboxes of many different mails for the measurements, the same for every run."""

import base64
import os
import random
import shutil
from collections.abc import Iterator

from servers import DovecotServer

#: Words that ask for nothing, however the dice order them.
_SAID = """
vår order kom fram i går och nu väntar vi bara leverans av tre bord en stol samt fyra lampor till kontoret måndag
möte offert pris återkoppling hälsningar faktura bilaga med som på det när hon sedan ringer tisdag kaffe hyllor rum
"""
_ASKING = "Hej! Jag begär ett registerutdrag enligt artikel 15 i GDPR: vilka uppgifter har ni om mig?"
_CHATTING = "Hej! Bifogat finns det ni frågade efter. Säg till om något saknas."


def mails(count: int, *, asking_every: int = 20, seed: int = 1) -> Iterator[bytes]:
    """
    Mails as they come to a company: 35 % plain, 35 % with HTML beside it, 30 % with a file; median 10 kB, mean 23 kB.

    Args: asking_every: one in so many asks for data, each by another person.
    """
    dice = random.Random(seed)
    for number in range(count):
        size = min(int(dice.lognormvariate(9.2, 1.25)), 400_000)
        text = " ".join(dice.choices(_SAID.split(), k=60))
        opening = _ASKING if number % asking_every == 0 else _CHATTING
        yield _head(number) + _body(dice, f"{opening}\r\n\r\n{text}\r\n\r\nMvh\r\nPerson {number}\r\n", size)


def _head(number: int) -> bytes:
    return (
        f"Return-Path: <person{number}@example.se>\r\nReceived: from mx.example.se (mx.example.se [192.0.2.1])\r\n"
        f"\tby mail.xelent.example with ESMTPS id {number:08x};\r\n\tMon, 2 Mar 2026 10:12:00 +0100\r\n"
        f"Authentication-Results: mx.xelent.example; dmarc=pass header.from=example.se\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.se; s=x; b={'A' * 300}\r\n"
        f"X-MS-Exchange-Organization-Id: {'0123456789abcdef' * 40}\r\n"
        f"From: Person {number} <person{number}@example.se>\r\nTo: gdpr@xelent.example\r\n"
        f"Message-ID: <{number}.{number * 7919}@example.se>\r\nDate: Mon, 2 Mar 2026 10:11:58 +0100\r\n"
        f"Subject: =?utf-8?q?=C3=84rende_{number}?=\r\nMIME-Version: 1.0\r\n"
    ).encode()


def _body(dice: random.Random, text: str, size: int) -> bytes:
    plain = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text.encode()
    kind = dice.random()
    if kind < 0.35:
        return plain + b"\r\n" + b"".join(b"> %s\r\n" % text[:70].encode() for _ in range(min(size, 20_000) // 90))
    if kind < 0.7:
        paragraphs = min(size, 60_000) // (len(text) + 60) + 1
        rest = "".join(f"<p class=MsoNormal><span>{text}</span></p>\r\n" for _ in range(paragraphs)).encode()
        kind_of_rest = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        return _parts(b"alternative", plain, kind_of_rest + b"<html><body>" + rest + b"</body></html>")
    content = base64.encodebytes(dice.randbytes(size)).replace(b"\n", b"\r\n")
    return _parts(b"mixed", plain, b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + content)


def _parts(kind: bytes, *parts: bytes) -> bytes:
    bodies = b"".join(b"--=_b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/" + kind + b'; boundary="=_b"\r\n\r\n' + bodies + b"--=_b--\r\n"


def fill(server: DovecotServer, user: str, contents: Iterator[bytes], *, first: int = 0) -> int:
    """
    Put mails into the INBOX of *user* as a delivery does that writes into its Maildir; how many bytes.

    Args: first: number of the first mail.
    """
    home = server.directory / "home" / user
    new = home / "Maildir" / "new"
    for folder in (new, home / "Maildir" / "cur", home / "Maildir" / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(first)
    total = 0
    mine = [home, home / "Maildir", *(home / "Maildir" / each for each in ("new", "cur", "tmp"))]
    if os.geteuid() == 0:
        for path in mine:
            shutil.chown(path, "nobody", "nogroup")
    for number, content in enumerate(contents, start=first):
        # the time in microseconds is random, as in life: Dovecot's hash of names that count up evenly collides
        moment = f"{1_760_000_000 + number}.M{dice.randrange(1_000_000)}"
        name = f"{moment}P{number}.bench,S={len(content)},W={len(content)}"
        path = home / "Maildir" / "tmp" / name
        path.write_bytes(content)
        if os.geteuid() == 0:
            shutil.chown(path, "nobody", "nogroup")
        path.rename(new / name)  # whole and readable, for Dovecot looks meanwhile
        total += len(content)
    os.sync()  # what is measured next shall not wait for these to reach the disk
    return total
