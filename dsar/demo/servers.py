"""
The mail server of the demo's company: pymap keeps the privacy mailbox, aiosmtpd takes mail for it and from it.

Effects: two loopback ports and two threads, for as long as the context lasts. Mail for the privacy mailbox is delivered
into it; mail for anybody else is written into a folder, as its reader would get it.
"""

import asyncio
import imaplib
import re
import socket
import threading
from argparse import ArgumentParser
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPService

PRIVACY = "gdpr@xelent.example"
USER = "privacy"
PASSWORD = "demo"  # noqa: S105  # of a mailbox that lives in memory while the demo runs

_HOST = "127.0.0.1"
_MX = "mx.xelent.example"
_START_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class SentLetter:
    """A mail that left the company."""

    recipient: str
    subject: str
    files: tuple[Path, ...]  #: Its text and its annexes.


class MailServer:
    """IMAP and SMTP on free loopback ports."""

    def __init__(self, letters: Path) -> None:
        """Args: letters: folder for what is sent to the world outside."""
        self.imap_port = _free_port()
        self.smtp_port = _free_port()
        self.sent: list[SentLetter] = []
        self._letters = letters
        self._numbers: Counter[str] = Counter()
        self._imap = _ImapThread(self.imap_port)
        self._smtp = Controller(self, hostname=_HOST, port=self.smtp_port)

    def __enter__(self) -> Self:
        self._imap.start()
        self._imap.wait_until_ready()
        self._smtp.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._smtp.stop()
        self._imap.stop()

    def deliver(self, content: bytes, *, sender: str) -> None:
        """
        Put a mail into the privacy mailbox as a company's mail server does: with the sender of the envelope, when it
        came, and what is known of its origin.

        Args: sender: of the envelope, "" for a mail that nobody may answer. Here it vouches for the address in From if
        both are in one domain, which is what SPF and DMARC come down to (RFC 7489 section 3.1.2).
        """
        found = message_from_bytes(content, policy=policy.default)
        domain = parseaddr(str(found["From"]))[1].rpartition("@")[2].lower()
        verdict = "pass" if domain and domain == sender.rpartition("@")[2].lower() else "fail"
        now = datetime.now(UTC)
        trace = [
            f"Return-Path: <{sender}>",
            f"Received: from outside by {_MX}; {format_datetime(now)}",
            f"Authentication-Results: {_MX}; dmarc={verdict} header.from={domain or 'invalid'}",
        ]
        if "Date" not in found:  # RFC 6409 section 8: a submission server may add both
            trace.append(f"Date: {format_datetime(now)}")
        if "Message-ID" not in found:
            trace.append(f"Message-ID: {make_msgid(domain=_MX)}")
        lines = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        mail = "".join(f"{line}\r\n" for line in trace).encode() + lines
        with imaplib.IMAP4(_HOST, self.imap_port, timeout=_START_SECONDS) as client:
            client.login(USER, PASSWORD)
            client.append("INBOX", "", "", mail)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's hook
        """Take one mail."""
        content = bytes(envelope.original_content or b"")
        if PRIVACY in envelope.rcpt_tos:
            await asyncio.to_thread(self.deliver, content, sender=envelope.mail_from or "")
        for recipient in envelope.rcpt_tos:
            if recipient != PRIVACY:
                self.sent.append(self._write_letter(content, recipient))
        return "250 2.0.0 Ok"

    def _write_letter(self, content: bytes, recipient: str) -> SentLetter:
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)  # noqa: S101  # what this policy gives
        subject = str(mail["Subject"])
        reference = (re.findall(r"D-\d{4}-\d{5}", subject) or ["letter"])[0]
        self._numbers[reference] += 1
        text = self._letters / f"{reference}-letter-{self._numbers[reference]}.txt"
        body = mail.get_body(("plain",))
        head = "".join(f"{name}: {mail[name]}\n" for name in ("From", "To", "Date", "Subject"))
        text.write_text(f"{head}\n{body.get_content() if body else ''}", "utf-8")
        annexes = []
        for part in mail.iter_attachments():
            annex = self._letters / Path(part.get_filename() or "annex").name
            payload = part.get_payload(decode=True)
            annex.write_bytes(payload if isinstance(payload, bytes) else b"")
            annexes.append(annex)
        return SentLetter(recipient=recipient, subject=subject, files=(text, *annexes))


class _ImapThread(threading.Thread):
    """pymap, with one user and an empty mailbox in memory."""

    def __init__(self, port: int) -> None:
        super().__init__(name="imap", daemon=True)
        self._port = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def wait_until_ready(self) -> None:
        if not self._ready.wait(_START_SECONDS):
            raise TimeoutError("the IMAP server of the demo did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self.join(_START_SECONDS)

    async def _serve(self) -> None:
        parser = ArgumentParser()
        parser.add_argument("--debug", action="store_true")
        parser.set_defaults(passlib_cfg=None)
        IMAPService.add_arguments(parser)
        DictBackend.add_subparser("dict", parser.add_subparsers())
        listen = ["--host", _HOST, "--port", str(self._port), "--no-tls"]
        args = parser.parse_args([*listen, "dict", "--demo-user", USER, "--demo-password", PASSWORD])
        backend, config = await DictBackend.init(args)
        config.apply_context()
        async with AsyncExitStack() as stack:
            await backend.start(stack)
            await IMAPService(backend, config).start(stack)
            self._ready.set()
            await self._stopping.wait()


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port
