"""
How a mail server may be spoken to: host, security -> leave or refusal; an error -> what to tell of it.

Effects: none. The rules that IMAP and SMTP share; neither protocol is spoken here.
"""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dsar.tls import is_loopback

Security = Literal["tls", "starttls", "plain"]


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What proves to a mail server that we may log in."""

    kind: Literal["password", "xoauth2"]
    secret: str = field(repr=False)  #: The password, or an OAuth2 access token that is valid now.


#: Called at every log-in, so that tokens can be renewed and secrets need not stay in memory.
CredentialSource = Callable[[], Credential]


#: Foreign error -> what to tell; the first class that fits. Server text is never repeated: it may quote a mail.
_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted; ca_file may name its CA"),
    (ssl.SSLError, "TLS could not be agreed"),
    (TimeoutError, "it did not answer in time"),
    (socket.gaierror, "its host name is unknown"),
    (ConnectionRefusedError, "it refused the connection"),
    (FileNotFoundError, "ca_file does not exist"),
    (OSError, "the connection was lost"),
)


def cause_of(error: BaseException, *, otherwise: str) -> str:
    """Why the connection failed, in words that hold no server text; *otherwise* if *error* is not about it."""
    return next((cause for kind, cause in _CAUSES if isinstance(error, kind)), otherwise)


def plain_is_refused(host: str, security: Security) -> bool:
    """Whether log-in and mail would cross a network unencrypted (Art. 32(1)(a) GDPR: "encryption of personal data")."""
    return security == "plain" and not is_loopback(host)
