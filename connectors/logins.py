"""
Declared way of logging in + secrets in settings -> what a request must carry.

Effects: the styles that fetch a token ask the API or `token_url` for it; `renewed_token_path` is rewritten when a
refresh token is replaced. Tokens are kept in memory and fetched again when the API no longer takes them.
"""

import base64
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import jmespath

from connectors.calls import Caller, Extra, Login, Proof, pinned
from dsar.declaration import Auth
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError

#: Style -> the options of settings that it needs.
NEEDS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "basic": frozenset({"user", "password"}),
    "bearer": frozenset({"token"}),
    "header": frozenset({"token"}),
    "query": frozenset({"token"}),
    "oauth2_client": frozenset({"client_id", "client_secret"}),
    "oauth2_refresh": frozenset({"client_id", "client_secret", "refresh_token"}),
    "login": frozenset(),
    "cookie": frozenset(),
}


def needed_options(auth: Auth) -> frozenset[str]:
    """The options of settings that logging in needs."""
    named = auth.request.slots if auth.request else frozenset()
    return NEEDS[auth.style] | {slot.removeprefix("secret.") for slot in named if slot.startswith("secret.")}


def login_of(caller: Caller) -> Login:
    auth, options = caller.http.auth, caller.options
    match auth.style:
        case "basic":
            pair = base64.b64encode(f"{options['user']}:{options['password']}".encode()).decode()
            return _Fixed(Proof(headers={"Authorization": f"Basic {pair}"}))
        case "bearer":
            return _Fixed(Proof(headers={"Authorization": f"Bearer {options['token']}"}))
        case "header":
            return _Fixed(Proof(headers={auth.name or "": auth.prefix + options["token"]}))
        case "query":
            return _Fixed(Proof(query={auth.name or "": options["token"]}))
        case "oauth2_client" | "oauth2_refresh":
            return _Fetched(_oauth(caller))
        case "login" | "cookie":
            return _Fetched(lambda: _logged_in(caller))
        case _:
            return _Fixed(Proof())


class _Fixed:
    def __init__(self, proof: Proof) -> None:
        self._proof = proof

    def proof(self) -> Proof:
        return self._proof

    def renew(self, used: Proof) -> bool:
        return False


class _Fetched:
    """One token for all threads, fetched when it is first needed and when the API no longer takes it."""

    def __init__(self, fetch: Callable[[], Proof]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._proof: Proof | None = None

    def proof(self) -> Proof:
        with self._lock:
            if self._proof is None:
                self._proof = self._fetch()
            return self._proof

    def renew(self, used: Proof) -> bool:
        with self._lock:
            if self._proof is used:
                self._proof = None
        return True


def _logged_in(caller: Caller) -> Proof:
    auth = caller.http.auth
    if auth.request is None:
        raise AssertionError("the declaration has been validated")
    values = {f"secret.{name}": value for name, value in caller.options.items()}
    caller.client.cookies.clear()
    answer = caller.send(auth.request, values, Extra())
    # A form that logs in often answers with a redirect to the start page; its cookie is all that counts.
    if not 200 <= answer.status < (400 if auth.style == "cookie" else 300):
        raise caller.refused(answer)
    if auth.style == "cookie":
        if not len(caller.client.cookies.jar):
            raise SystemRefusedError(caller.name, "logging in gave no session")
        return Proof()
    where = auth.token
    found = answer.headers.get(where.header) if where and where.header else None
    if where and where.body:
        found = jmespath.search(where.body, answer.body)
    if not isinstance(found, str) or not found:
        raise SystemRefusedError(caller.name, "logging in gave no token")
    if auth.body_key:
        return Proof(body={auth.body_key: found})
    return Proof(headers={auth.name or "": auth.prefix + found})


def _oauth(caller: Caller) -> Callable[[], Proof]:
    """RFC 6749 sections 4.4 (client credentials) and 6 (refreshing)."""
    auth, options = caller.http.auth, caller.options
    refreshing = auth.style == "oauth2_refresh"
    if "token_url" in options:
        url = pinned(caller.name, "token_url", options["token_url"])
    elif auth.token_path:
        base = httpx.URL(options["url"])
        url = base.copy_with(raw_path=base.raw_path.rstrip(b"/") + auth.token_path.encode("ascii"))
    else:
        raise SettingsError([f"system {caller.name}: token_url is missing"])
    store = _TokenStore(options)

    def fetch() -> Proof:
        form = {"client_id": options["client_id"], "client_secret": options["client_secret"], **auth.parameters}
        form |= {"scope": auth.scope} if auth.scope else {}
        form |= (
            {"grant_type": "refresh_token", "refresh_token": store.current()}
            if refreshing
            else {"grant_type": "client_credentials"}
        )
        try:
            response = caller.client.post(url, data=form)
            said = response.json() if response.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            raise SystemUnavailableError(caller.name, f"no token ({type(error).__name__})") from None
        if response.status_code >= 500 or response.status_code == 429:
            raise SystemUnavailableError(caller.name, f"no token (HTTP {response.status_code})")
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str):
            raise SystemRefusedError(caller.name, f"no token (HTTP {response.status_code})")
        if refreshing and isinstance(said.get("refresh_token"), str):
            store.replace(said["refresh_token"])
        return Proof(headers={"Authorization": f"Bearer {token}"})

    return fetch


class _TokenStore:
    """The refresh token; many servers give a new one with each use and forget the old one."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._path = Path(options["renewed_token_path"]) if "renewed_token_path" in options else None
        self._token = options.get("refresh_token", "")

    def current(self) -> str:
        if self._path and self._path.exists():
            return self._path.read_text("utf-8").strip()
        return self._token

    def replace(self, token: str) -> None:
        self._token = token
        if self._path is None:
            return
        beside = self._path.with_name(f".{self._path.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
