"""
A real Dovecot, as root and as anybody.

Every user name exists, with the password "test"; XOAUTH2 takes tokens made by `DovecotServer.access_token`.
"""

import base64
import getpass
import grp
import hashlib
import hmac
import imaplib
import json
import os
import pwd
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsar.inbox import ImapAccount
from servers.parts import PASSWORD, await_greeting, free_port, make_tls, missing, password

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
  driver = passwd-file
  master = yes
  mechanisms = plain login
  args = {dir}/masters
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

#: User who may open every mailbox, with the password of all.
MASTER = "dsar"

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
    (directory / "masters").write_text(f"{MASTER}:{{PLAIN}}{PASSWORD}\n")
    (directory / "oauth2.conf").write_text(_OAUTH2_CONF.format(**values))
    config = directory / "dovecot.conf"
    config.write_text(_DOVECOT_CONF.format(**values))
    process = subprocess.Popen([str(program), "-F", "-c", str(config)])
    try:
        await_greeting(server.imap_port, b"* OK")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=15)
