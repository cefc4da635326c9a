"""
Approved bytes -> the mail server for outgoing mail, and what became of them.

Effects: one SMTP connection per letter; the only code of the program that speaks SMTP. The bytes are sent as they are.

Three outcomes are told apart, since nothing may be sent twice (promise P2): taken (a Receipt), not taken (for now or
for good), and uncertain: the connection broke between the first byte of the content and the reply to its end.
"""

import base64
import re
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dsar.dispatch import Verdict, classify
from dsar.errors import (
    DispatchRefusedError,
    DispatchUncertainError,
    MailTooBigError,
    MalformedMailError,
    OutboxUnavailableError,
    UndeliverableAddressError,
)
from dsar.mailserver import Credential, CredentialSource, Security, cause_of, plain_is_refused
from dsar.tls import tls_context

_FOREIGN_ERRORS = (smtplib.SMTPException, OSError, ValueError)
_MAIL_FOLLOWS, _AUTH_CONTINUES, _AUTH_DONE = 354, 334, 235

#: RFC 1870 section 6.1: "message size exceeds fixed maximum message size".
_TOO_BIG = 552

#: RFC 5321 section 4.5.3.2.6: "DATA Termination: 10 Minutes ... a timeout too short ... can result in duplicates".
_DATA_TERMINATION_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class SmtpAccount:
    """The mail server that takes our letters (a submission service or the company's relay)."""

    host: str
    port: int
    security: Security  #: "plain" is accepted for loopback only.
    user: str | None = None  #: None: no log-in.
    credential: CredentialSource | None = None  #: Asked at every connection.
    ca_file: Path | None = None  #: PEM; None: the CAs of the operating system.
    timeout_seconds: float = 60  #: For connecting and for each answer but the last.


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The server has taken responsibility for the letter (RFC 5321 section 4.2.5)."""

    code: int  #: 2yz
    reply: str  #: The server's words, often with its queue number; addresses are left out.


class SmtpOutbox:
    """Sends one letter at a time, each over a connection of its own."""

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account

    def send(self, content: bytes, *, sender: str, recipients: Sequence[str]) -> Receipt:
        """
        Hand *content* over for all of *recipients* or for none.

        Args: content: complete mail with CRLF line ends; sender, recipients: envelope addresses in ASCII.
        Raises: OutboxUnavailableError: not taken, try again; DispatchRefusedError: not taken, for good;
        MailTooBigError: not taken, and smaller mails may be; DispatchUncertainError: perhaps taken;
        UndeliverableAddressError, MalformedMailError: nothing was tried.
        """
        for address in (sender, *recipients):
            _demand_plain(address)
        if re.search(rb"(?<!\r)\n|\r(?!\n)", content):  # RFC 5321 section 2.3.8: CR and LF only together
            raise MalformedMailError("a line ends in something other than CRLF")
        with self._session() as server:
            with self._translated():
                options = _size_option(server, content)
                for code, _ in (server.mail(sender, options), *(server.rcpt(recipient) for recipient in recipients)):
                    _demand_taken(code)
                code, _ = server.docmd("DATA")
            if code != _MAIL_FOLLOWS:
                raise _refusal(code)
            return self._hand_over(server, content)

    def check(self) -> tuple[str, ...]:
        """What works, one sentence each, for `dsar check`; sends nothing. Raises: OutboxUnavailableError."""
        account = self._account
        with self._session() as server:
            found = [f"connected to {account.host}:{account.port} ({account.security})"]
            found.append(f"logged in as {account.user}" if account.user else "no log-in is used")
            if limit := _size_limit(server):
                found.append(f"mails up to {limit // 1_000_000} MB are taken")
        return tuple(found)

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        account = self._account
        if plain_is_refused(account.host, account.security):
            raise OutboxUnavailableError("an unencrypted connection is allowed to this machine only")
        with self._translated():
            server = self._connect()
        try:
            with self._translated():
                self._log_in(server)
            yield server
            with suppress(*_FOREIGN_ERRORS):  # what was taken stays taken, however the connection ends
                server.quit()
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        account = self._account
        address, timeout = (account.host, account.port), account.timeout_seconds
        if account.security == "tls":
            return smtplib.SMTP_SSL(*address, timeout=timeout, context=tls_context(account.ca_file))
        server = smtplib.SMTP(*address, timeout=timeout)
        if account.security == "starttls":
            try:
                server.starttls(context=tls_context(account.ca_file))  # fails if the server does not offer it
            except BaseException:
                server.close()
                raise
        return server

    def _log_in(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        account = self._account
        if account.user is None or account.credential is None:
            return
        mechanism, answers = _proof(account.user, account.credential(), server.esmtp_features.get("auth", "").split())
        first, *others = (base64.b64encode(answer.encode()).decode() for answer in answers)
        code, _ = server.docmd("AUTH", f"{mechanism} {first}")
        for answer in [*others, ""]:  # the empty one: XOAUTH2 explains a refusal first and wants that acknowledged
            if code == _AUTH_CONTINUES:
                code, _ = server.docmd(answer)
        if code != _AUTH_DONE:
            raise OutboxUnavailableError(f"the user name or the password was refused (SMTP {code})")

    def _hand_over(self, server: smtplib.SMTP, content: bytes) -> Receipt:
        """Send the content after 354 and read the reply; from the first byte to the reply nobody knows (P2)."""
        stuffed = re.sub(rb"(?m)^\.", b"..", content)  # RFC 5321 section 4.5.2, transparency
        end = b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            server.send(stuffed + end)
            _wait_at_most(server, _DATA_TERMINATION_SECONDS)
            code, reply = server.getreply()
            _wait_at_most(server, self._account.timeout_seconds)
        except _FOREIGN_ERRORS:
            raise DispatchUncertainError from None
        if classify(code) is None:
            raise DispatchUncertainError
        _demand_taken(code)
        return Receipt(code=code, reply=_without_addresses(reply))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Foreign errors as ours, cut off from their texts, which repeat addresses (P9)."""
        try:
            yield
        except _FOREIGN_ERRORS as error:
            cause = cause_of(error, otherwise="it ended the connection or refused it")
            raise OutboxUnavailableError(cause) from None


def _size_limit(server: smtplib.SMTP) -> int | None:
    """Octets of the biggest mail that the server takes; None if it does not say, or has no limit (RFC 1870 s. 4)."""
    limit = server.esmtp_features.get("size", "")
    return int(limit) if limit.isdigit() and int(limit) else None


def _size_option(server: smtplib.SMTP, content: bytes) -> list[str]:
    """What MAIL FROM says of the size. Raises: MailTooBigError if the server has said that it takes less."""
    limit = _size_limit(server)
    if limit is not None and len(content) > limit:
        raise MailTooBigError(limit)
    return [f"SIZE={len(content)}"] if server.has_extn("size") else []


def _wait_at_most(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock:
        server.sock.settimeout(seconds)


def _demand_taken(code: int) -> None:
    if classify(code) is not Verdict.SENT:
        raise _refusal(code)


def _refusal(code: int) -> DispatchRefusedError | OutboxUnavailableError:
    """The error for a reply that is not the one wanted; nothing was stored."""
    if code == _TOO_BIG:
        return MailTooBigError(None)
    if classify(code) is Verdict.FAILED:
        return DispatchRefusedError(code)
    return OutboxUnavailableError(f"it did not take the letter now (SMTP {code})")


def _demand_plain(address: str) -> None:
    if not re.fullmatch(r"[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+", address):
        raise UndeliverableAddressError("it holds characters that an SMTP envelope cannot carry")


def _proof(user: str, credential: Credential, offered: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Mechanism and what to answer in turn; PLAIN is UTF-8 (RFC 4616), Microsoft offers LOGIN in its place."""
    if credential.kind == "xoauth2":
        return "XOAUTH2", (f"user={user}\1auth=Bearer {credential.secret}\1\1",)
    if "PLAIN" in offered or "LOGIN" not in offered:
        return "PLAIN", (f"\0{user}\0{credential.secret}",)
    return "LOGIN", (user, credential.secret)


def _without_addresses(reply: bytes) -> str:
    words = reply.decode("ascii", "replace").split()
    return " ".join(word for word in words if "@" not in word)[:200]
