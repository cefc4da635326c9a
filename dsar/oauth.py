"""
Client credentials or a refresh token -> access tokens for mail servers that accept no password.

Effects: HTTPS to the token server; the file that keeps the newest refresh token. No redirect is followed and no proxy
of the environment is used, so that the secret goes where the settings say and the token comes from there. Access tokens
are kept in memory until shortly before they expire. No token appears in a log or an error; what the server answers is
quoted only where RFC 6749 fixes the words.
"""

import fcntl
import hashlib
import json
import os
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsar.errors import TokenUnavailableError
from dsar.mailserver import Credential
from dsar.tls import direct_opener, is_loopback

_RENEW_BEFORE_SECONDS = 60.0
_LIFETIME_UNLESS_TOLD = 300.0  #: RFC 6749 s. 5.1: expires_in is only RECOMMENDED.
_LONGEST_ANSWER = 65536

#: RFC 6749 s. 5.2; other words of the server are not repeated.
_KNOWN_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)


@dataclass(frozen=True, kw_only=True)
class OAuthClient:
    """How we are known to a token server: by refresh token if there is one, else by client credentials."""

    token_url: str  #: https, or http to this machine.
    client_id: str
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    renewed_token_path: Path | None = None  #: Keeps the newest refresh token; None: it is forgotten at the end.

    def __post_init__(self) -> None:
        """Raises: ValueError if the secret would travel unencrypted, or id or secret are missing."""
        url = urllib.parse.urlsplit(self.token_url)
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname or "")):
            raise ValueError("the token URL must begin with https://")
        if not self.client_id or not (self.client_secret or self.refresh_token):
            raise ValueError("OAuth2 needs a client id, and a client secret or a refresh token")


class AccessTokens:
    """A CredentialSource: gives the current access token, and fetches one when there is none or it expires."""

    def __init__(
        self,
        account: str,
        client: OAuthClient,
        *,
        timeout_seconds: float = 30,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args: account: name for errors, e.g. that of the mailbox; clock: seconds that never go back."""
        self._account = account
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._opener = direct_opener()
        self._refresh_token = client.refresh_token
        self._access_token = ""
        self._renew_at = float("-inf")

    def __call__(self) -> Credential:
        """Raises: TokenUnavailableError."""
        with self._lock:
            if self._clock() >= self._renew_at:
                with _alone_in(self._client.renewed_token_path):
                    self._renew()
            return Credential(kind="xoauth2", secret=self._access_token)

    def _renew(self) -> None:
        asked_at = self._clock()
        answer = self._ask()
        token, token_type = answer.get("access_token"), answer.get("token_type")
        if not isinstance(token, str) or not token or str(token_type).lower() != "bearer":
            raise TokenUnavailableError(self._account, "the answer of the token server holds no bearer token")
        lifetime = answer.get("expires_in", _LIFETIME_UNLESS_TOLD)
        seconds = float(lifetime) if isinstance(lifetime, int | float) else _LIFETIME_UNLESS_TOLD
        self._access_token = token
        self._renew_at = asked_at + seconds - _RENEW_BEFORE_SECONDS
        # RFC 6749 s. 6: "the authorization server MAY issue a new refresh token", which then replaces the old one.
        renewed = answer.get("refresh_token")
        if self._refresh_token and isinstance(renewed, str) and renewed not in ("", self._refresh_token):
            self._refresh_token = renewed
            self._keep(renewed)

    def _ask(self) -> dict[str, Any]:
        import urllib.error
        import urllib.request  # slow to load: every command reads settings, few ask for a token
        from http.client import HTTPException

        request = urllib.request.Request(  # noqa: S310  # the scheme is checked in OAuthClient
            self._client.token_url, data=self._form(), headers={"Accept": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=self._timeout_seconds) as response:
                return _json_object(response.read(_LONGEST_ANSWER))
        except urllib.error.HTTPError as error:
            with error:
                reason = _json_object(error.read(_LONGEST_ANSWER)).get("error")
            said = reason if reason in _KNOWN_ERRORS else f"HTTP {error.code}"
            raise TokenUnavailableError(self._account, f"the token server refused: {said}") from None
        except (OSError, HTTPException):
            raise TokenUnavailableError(self._account, "the token server does not answer") from None

    def _form(self) -> bytes:
        client = self._client
        fields = {"grant_type": "client_credentials", "client_id": client.client_id, "scope": client.scope}
        if self._refresh_token:
            self._refresh_token = self._kept() or self._refresh_token  # another process may have got a newer one
            fields |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        fields["client_secret"] = client.client_secret
        return urllib.parse.urlencode({name: value for name, value in fields.items() if value}).encode()

    # What is kept begins with a digest of the token in settings: a new one there replaces what came from the old.

    def _kept(self) -> str | None:
        """The newest refresh token that came from the one in settings; None if none is kept."""
        path = self._client.renewed_token_path
        if path is None:
            return None
        try:
            origin, _, token = path.read_text("ascii").strip().partition(" ")
        except (OSError, ValueError):
            return None
        return token if origin == self._origin() else None

    def _keep(self, token: str) -> None:
        """Write to a file that only we may read, whole or not at all. Raises: TokenUnavailableError."""
        path = self._client.renewed_token_path
        if path is None:
            return
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with os.fdopen(
                os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii"
            ) as file:
                file.write(f"{self._origin()} {token}\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except (OSError, ValueError):
            raise TokenUnavailableError(self._account, "the new refresh token could not be kept") from None

    def _origin(self) -> str:
        return hashlib.sha256(self._client.refresh_token.encode()).hexdigest()


@contextmanager
def _alone_in(path: Path | None) -> Iterator[None]:
    """
    Keep other processes from the token in *path* meanwhile.

    RFC 6749 s. 10.4: a server that sees a refresh token twice may take both users for thieves and forget them.
    """
    with ExitStack() as held:
        if path is not None and path.parent.is_dir():
            folder = os.open(path.parent, os.O_RDONLY)
            held.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield


def _json_object(content: bytes) -> dict[str, Any]:
    """*content* as a JSON object; {} for anything else."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
