"""A real SMTP server that stores what it takes and fails on demand."""

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from dsar.outbox import SmtpAccount
from servers.parts import PASSWORD, TlsFiles, free_port, password


class Fault(StrEnum):
    """What the sink does to one mail instead of taking it."""

    LATER_AT_RCPT = "451 at RCPT"
    NEVER_AT_RCPT = "550 at RCPT"
    CUT_AT_RCPT = "connection cut at RCPT"
    LATER_AFTER_DATA = "452 after DATA"
    NEVER_AFTER_DATA = "554 after DATA"
    CUT_BEFORE_STORING = "connection cut after DATA, mail not stored"
    CUT_AFTER_STORING = "connection cut after DATA, mail stored"
    NONSENSE_AFTER_STORING = "a reply that is no SMTP, mail stored"


_REPLIES = {
    Fault.LATER_AT_RCPT: "451 4.7.1 Greylisted",
    Fault.NEVER_AT_RCPT: "550 5.1.1 <who@example.org> unknown",
    Fault.LATER_AFTER_DATA: "452 4.3.1 Disk full",
    Fault.NEVER_AFTER_DATA: "554 5.7.1 Spam",
    Fault.NONSENSE_AFTER_STORING: "hello",
}


@dataclass(frozen=True, kw_only=True)
class TakenMail:
    """A mail that the sink has stored."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


class SmtpSink:
    """A mail server over TLS or STARTTLS with log-in (any user, password "test", or the token "token")."""

    def __init__(
        self,
        tls: TlsFiles | None,
        *,
        starttls: bool = False,
        login_required: bool = False,
        deliver: Callable[[bytes, str], None] | None = None,
    ) -> None:
        """
        Args: tls: None: plain; deliver: called with content and recipient for each mail taken, such as
        DovecotServer.deliver.
        """
        self.taken: list[TakenMail] = []
        self.faults: deque[Fault] = deque()  #: One is used up per mail offered; empty: every mail is taken.
        self._deliver = deliver
        self._tls = tls
        context = tls.server_context() if tls else None
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=None if starttls else context,
            tls_context=context if starttls else None,
            require_starttls=starttls,
            auth_require_tls=starttls,
            auth_required=login_required,
            authenticator=self._authenticate,
        )

    @property
    def port(self) -> int:
        return self._controller.port

    def account(self, **changes: Any) -> SmtpAccount:
        """How dsar reaches the sink."""
        security = "plain" if not self._tls else "starttls" if self._controller.SMTP_kwargs["tls_context"] else "tls"
        values: dict[str, Any] = {
            "host": "localhost",
            "port": self.port,
            "security": security,
            "user": "privacy",
            "credential": password,
            "ca_file": self._tls.ca_file if self._tls else None,
            "timeout_seconds": 5,
        }
        return SmtpAccount(**(values | changes))

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    # the names below are aiosmtpd's hooks

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        if base64.b64decode(args[1]).endswith(b"\1auth=Bearer token\1\1"):
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"400"}')  # the client must answer before it is told
        return AuthResult(success=False, handled=False)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.faults and self.faults[0] in (Fault.LATER_AT_RCPT, Fault.NEVER_AT_RCPT, Fault.CUT_AT_RCPT):
            return self._faulty(server, self.faults.popleft())
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.faults.popleft() if self.faults else None
        if fault in (None, Fault.CUT_AFTER_STORING, Fault.NONSENSE_AFTER_STORING):
            content = bytes(envelope.original_content or b"")
            recipients = tuple(envelope.rcpt_tos)
            self.taken.append(TakenMail(sender=str(envelope.mail_from), recipients=recipients, content=content))
            for recipient in recipients if self._deliver else ():
                assert self._deliver
                self._deliver(content, recipient)
        return self._faulty(server, fault) if fault else f"250 2.0.0 Ok: queued as {len(self.taken):X}"

    @staticmethod
    def _faulty(server: SMTP, fault: Fault) -> str:
        if fault not in _REPLIES:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return _REPLIES.get(fault, "421 gone")
