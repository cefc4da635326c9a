"""
Real mail servers on this machine for tests: Dovecot, an SMTP sink with faults, an IMAP server that lies, pymap.

Effects: each starts on free loopback ports as a context manager and is gone afterwards. Works as root and as anybody.
Every user name exists on Dovecot, with the password "test"; XOAUTH2 takes tokens made by `DovecotServer.access_token`.
"""

# ruff: noqa: ANN401  # accounts pass on whatever fields a test names

import asyncio
import base64
import getpass
import grp
import hashlib
import hmac
import imaplib
import ipaddress
import json
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import Any, Self

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dsar.inbox import ImapAccount
from dsar.mailserver import Credential
from dsar.outbox import SmtpAccount

PASSWORD = "test"
_START_SECONDS = 10


def password() -> Credential:
    """The credential that every test server takes."""
    return Credential(kind="password", secret=PASSWORD)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# ---------------------------------------------------------------------------------------------------- certificates


@dataclass(frozen=True, kw_only=True)
class TlsFiles:
    """A CA of our own and a certificate for localhost signed by it, as PEM files."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        return context


def make_tls(directory: Path) -> TlsFiles:
    """Write a new CA and certificate into *directory*, which is made."""
    directory.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC) - timedelta(days=1)

    def signed(subject: x509.Name, public: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=30))
        certificate = builder.add_extension(extension, critical=True).sign(ca_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    files = TlsFiles(ca_file=directory / "ca.pem", cert_file=directory / "cert.pem", key_file=directory / "key.pem")
    files.ca_file.write_bytes(signed(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=None)))
    files.cert_file.write_bytes(signed(name, key.public_key(), names))
    files.key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


# --------------------------------------------------------------------------------------------------------- Dovecot

_DOVECOT_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
{internal_users}
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/tls/cert.pem
ssl_key = <{dir}/tls/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_max_userip_connections = 100
mail_location = maildir:~/Maildir
first_valid_uid = 1
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {dir}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain login
  args = password=test
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/home/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_OAUTH2_CONF = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={dir}/keys/
username_attribute = sub
username_format = %u
"""


@dataclass(frozen=True, kw_only=True)
class DovecotServer:
    """A running Dovecot; mail folders start empty for each user name, "INBOX" alone exists."""

    directory: Path
    imap_port: int  #: plain and STARTTLS
    imaps_port: int  #: TLS
    lmtp_port: int
    ca_file: Path
    token_key: bytes = field(repr=False)

    def account(self, user: str, **changes: Any) -> ImapAccount:
        """How dsar reaches the mailbox of *user*: over TLS, verified by our CA, unless *changes* say otherwise."""
        values: dict[str, Any] = {
            "mailbox": "privacy",
            "host": "localhost",
            "port": self.imaps_port,
            "security": "tls",
            "user": user,
            "credential": password,
            "ca_file": self.ca_file,
            "timeout_seconds": 5,
        }
        return ImapAccount(**(values | changes))

    def deliver(self, raw: bytes, user: str) -> None:
        """Deliver by LMTP, as a mail server does: Return-Path, Delivered-To and Received are put on top."""
        with smtplib.LMTP("127.0.0.1", self.lmtp_port) as lmtp:
            lmtp.sendmail("sender@example.org", [user], raw)

    def append(self, raw: bytes, user: str, folder: str = "INBOX", *, internal_date: str | None = None) -> None:
        """File exactly these bytes; internal_date like '"25-Nov-2026 21:00:00 +0100"'."""
        with self.session(user) as client:
            client.append(folder, "", internal_date or "", raw)

    @contextmanager
    def session(self, user: str) -> Iterator[imaplib.IMAP4]:
        """Another mail program that is logged in to the same mailbox."""
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=5) as client:
            client.login(user, PASSWORD)
            yield client

    def flags(self, user: str, folder: str = "INBOX") -> list[str]:
        """The FLAGS line of each mail in *folder*."""
        with self.session(user) as client:
            client.select(folder, readonly=True)
            return [str(line) for line in client.fetch("1:*", "(FLAGS)")[1] if line]

    def count(self, user: str, folder: str = "INBOX") -> int:
        with self.session(user) as client:
            return int(client.select(folder, readonly=True)[1][0] or 0)

    def renumber(self, user: str) -> None:
        """Give INBOX another UIDVALIDITY, as a restored backup does."""
        maildir = self.directory / "home" / user / "Maildir"
        uid_list = maildir / "dovecot-uidlist"
        header, _, rest = uid_list.read_text().partition("\n")
        epoch = next(word for word in header.split() if word.startswith("V"))
        uid_list.write_text(f"{header.replace(epoch, f'V{int(epoch[1:]) + 1}')}\n{rest}")
        for index in maildir.glob("dovecot.index*"):
            index.unlink()

    def access_token(self, user: str) -> str:
        """An OAuth2 access token (JWT, HS256) for *user* that Dovecot accepts for an hour."""
        claims = {"sub": user, "iat": int(time.time()) - 5, "exp": int(time.time()) + 3600}
        head, body = (_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
        signature = hmac.new(self.token_key, f"{head}.{body}".encode(), hashlib.sha256).digest()
        return f"{head}.{body}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def missing(program: str) -> None:
    """Skip the test loudly; where CI is set, fail it: there everything is proven."""
    message = f"{program} is not installed, so nothing about it is proven here"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _mail_user() -> tuple[str, str]:
    """Dovecot never reads mail as root, so root's tests do it as nobody."""
    if os.geteuid() != 0:
        return getpass.getuser(), grp.getgrgid(os.getegid()).gr_name
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_name, grp.getgrgid(nobody.pw_gid).gr_name


@contextmanager
def dovecot(directory: Path) -> Iterator[DovecotServer]:
    """Run Dovecot in *directory*: a short path (UNIX sockets lie there) that everybody may pass through."""
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("Dovecot")
    user, group = _mail_user()
    tls = make_tls(directory / "tls")
    server = DovecotServer(
        directory=directory,
        imap_port=free_port(),
        imaps_port=free_port(),
        lmtp_port=free_port(),
        ca_file=tls.ca_file,
        token_key=os.urandom(32),
    )
    key_file = directory / "keys" / "default" / "HS256" / "default"
    key_file.parent.mkdir(parents=True)
    key_file.write_bytes(base64.b64encode(server.token_key))
    (directory / "home").mkdir()
    if os.geteuid() == 0:
        shutil.chown(directory / "home", user, group)
        internal_users = ""
    else:
        internal_users = (
            f"default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}"
        )
    ports = {name: getattr(server, name) for name in ("imap_port", "imaps_port", "lmtp_port")}
    values = {"dir": directory, "user": user, "group": group, "internal_users": internal_users, **ports}
    (directory / "oauth2.conf").write_text(_OAUTH2_CONF.format(**values))
    config = directory / "dovecot.conf"
    config.write_text(_DOVECOT_CONF.format(**values))
    process = subprocess.Popen([str(program), "-F", "-c", str(config)])
    try:
        _await_greeting(server.imap_port, b"* OK")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=15)


def _await_greeting(port: int, greeting: bytes) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            if connection.recv(100).startswith(greeting):
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"no server answers on port {port}")
        time.sleep(0.02)


# ----------------------------------------------------------------------------------------------------------- pymap


@contextmanager
def pymap_server() -> Iterator[int]:
    """The IMAP server of the demo on a plain loopback port; user "demouser", password "test". Yields the port."""
    port = free_port()
    program = Path(sys.executable).with_name("pymap")
    if not program.exists():
        missing("pymap")
    options = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
        "--no-service",
        "admin",
        "--no-service",
        "managesieve",
    ]
    process = subprocess.Popen(
        [str(program), *options, "dict", "--demo-data", "--demo-password", PASSWORD],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_greeting(port, b"* OK")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=15)


# ------------------------------------------------------------------------------------------------------- SMTP sink


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


# ------------------------------------------------------------------------------------------------ lying IMAP server


@dataclass(frozen=True, kw_only=True)
class ImapCommand:
    """One command of a client, to be answered."""

    text: bytes  #: Without tag and line end.
    tag: bytes
    stream: BufferedReader  #: What the client sends next.
    connection: socket.socket = field(repr=False)

    @property
    def ok(self) -> bytes:
        return self.tag + b" OK done\r\n"

    @property
    def no(self) -> bytes:
        return self.tag + b" NO [SERVERBUG] sorry\r\n"

    def send(self, answer: bytes) -> None:
        self.connection.sendall(answer)

    def hang_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)


#: Answers one command, truthfully or not.
ImapScript = Callable[[ImapCommand], None]

#: A folder of epoch 77 whose next mail gets UID 9.
SELECTED = b"* FLAGS (\\Seen)\r\n* 9 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 9] x\r\n"


class LyingImapServer:
    """An IMAP server on a plain loopback port that logs everybody in and answers all else by a script."""

    def __init__(
        self, script: ImapScript, *, capabilities: bytes = b"IMAP4rev1 IDLE UIDPLUS MOVE", selected: bytes = SELECTED
    ) -> None:
        self.received: list[bytes] = []  #: Every command line without its tag.
        self.selected = selected  #: Untagged answer to SELECT and EXAMINE.
        self._script = script
        self._capabilities = capabilities
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def account(self, **changes: Any) -> ImapAccount:
        values: dict[str, Any] = {
            "mailbox": "privacy",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "plain",
            "user": "user",
            "credential": password,
            "timeout_seconds": 1,
        }
        return ImapAccount(**(values | changes))

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            connection.sendall(b"* OK [CAPABILITY " + self._capabilities + b"] ready\r\n")
            while line := stream.readline():
                tag, _, text = line.strip().partition(b" ")
                self.received.append(text)
                self._answer(ImapCommand(text=text, tag=tag, stream=stream, connection=connection))

    def _answer(self, command: ImapCommand) -> None:
        word = command.text.split()[0].upper()
        untagged = {
            b"LOGIN": b"",
            b"CAPABILITY": b"* CAPABILITY " + self._capabilities + b"\r\n",
            b"SELECT": self.selected,
            b"EXAMINE": self.selected,
            b"LOGOUT": b"* BYE\r\n",
        }
        if word in untagged:
            command.send(untagged[word] + command.ok)
        else:
            self._script(command)
