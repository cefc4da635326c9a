"""
Client credentials, a refresh token or a code -> tokens of an OAuth 2.0 server (RFC 6749); the store of the newest one.

Effects: requests to `token_url`, or to the declared path of the API's own host; the file `renewed_token_path`, which is
sealed where option `token_key` is given.
"""

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from cryptography.fernet import Fernet, InvalidToken

from connectors.calls import Caller, Proof, pinned
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError


class Tokens:
    """What one account of one API is given; fetched when it is first called."""

    def __init__(self, caller: Caller) -> None:
        """Raises: SettingsError if nothing says where the token server is."""
        self._caller = caller
        self._url = _token_url(caller)
        self._store = _TokenStore(caller.name, caller.options)

    def fetch(self) -> Proof:
        """A new access token. Raises: SystemUnavailableError; SystemRefusedError."""
        if self._caller.http.auth.style == "oauth2_client":
            return self._ask({"grant_type": "client_credentials"})  # RFC 6749 section 4.4
        with self._store.alone():
            return self._ask({"grant_type": "refresh_token", "refresh_token": self._store.current()})  # section 6

    def exchange(self, code: str, *, redirect: str, verifier: str) -> None:
        """Keep what a person's consent gives (RFC 6749 section 4.1.3, RFC 7636 section 4.5). Raises: as fetch."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        self._ask(form, demand_refresh_token=True)

    def _ask(self, form: dict[str, str], *, demand_refresh_token: bool = False) -> Proof:
        auth, name = self._caller.http.auth, self._caller.name
        form |= auth.parameters | ({"scope": auth.scope} if auth.scope else {})
        try:
            response = self._caller.client.post(self._url, data=form | self._in_form(), headers=self._in_head())
            said = response.json() if response.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            raise SystemUnavailableError(name, f"no token ({type(error).__name__})") from None
        if response.status_code >= 500 or response.status_code == 429:
            raise SystemUnavailableError(name, f"no token (HTTP {response.status_code})")
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str):
            raise SystemRefusedError(name, f"no token (HTTP {response.status_code})")
        renewed = said.get("refresh_token")
        if isinstance(renewed, str) and auth.style != "oauth2_client":
            self._store.replace(renewed)
        elif demand_refresh_token:
            raise SystemRefusedError(name, "the consent gave no refresh token; its scope may have to ask for one")
        return Proof(headers={"Authorization": f"Bearer {token}"})

    # RFC 6749 section 2.3.1: the client proves itself by HTTP Basic or in the form.

    def _in_head(self) -> dict[str, str]:
        if self._caller.http.auth.client_auth == "body":
            return {}
        options = self._caller.options
        pair = f"{options['client_id']}:{options.get('client_secret', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _in_form(self) -> dict[str, str]:
        if self._caller.http.auth.client_auth == "basic":
            return {}
        return {key: value for key in ("client_id", "client_secret") if (value := self._caller.options.get(key))}


def _token_url(caller: Caller) -> httpx.URL:
    if "token_url" in caller.options:
        return pinned(caller.name, "token_url", caller.options["token_url"])
    path = caller.http.auth.token_path
    if not path:
        raise SettingsError([f"system {caller.name}: token_url is missing"])
    base = httpx.URL(caller.options["url"])
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path.encode("ascii"))


class _TokenStore:
    """The newest refresh token; many servers give a new one with each use and forget the old one."""

    def __init__(self, name: str, options: Mapping[str, str]) -> None:
        self._name = name
        self._path = Path(options["renewed_token_path"]) if "renewed_token_path" in options else None
        self._seal = Fernet(options["token_key"]) if "token_key" in options else None
        self._token = options.get("refresh_token", "")
        # A new token in settings replaces what came from the old one.
        self._origin = hashlib.sha256(self._token.encode()).hexdigest()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from the token meanwhile: a server that sees one twice may forget both users."""
        with ExitStack() as held:
            if self._path is not None and self._path.parent.is_dir():
                folder = os.open(self._path.parent, os.O_RDONLY)
                held.callback(os.close, folder)
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield

    def current(self) -> str:
        """Raises: SystemRefusedError if there is none."""
        token = self._kept() or self._token
        if not token:
            raise SystemRefusedError(self._name, f"nobody has let the program in ('dsar system connect {self._name}')")
        return token

    def _kept(self) -> str | None:
        if self._path is None or not self._path.exists():
            return None
        try:
            content = self._path.read_bytes()
            origin, token = json.loads(self._seal.decrypt(content) if self._seal else content)
        except (OSError, InvalidToken, ValueError):
            raise SystemRefusedError(self._name, "the refresh token that was kept cannot be opened") from None
        return str(token) if origin == self._origin else None

    def replace(self, token: str) -> None:
        """Keep *token*, whole or not at all, in a file that only we may read."""
        self._token = token
        if self._path is None:
            return
        content = json.dumps([self._origin, token]).encode()
        beside = self._path.with_name(f".{self._path.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._seal.encrypt(content) if self._seal else content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
