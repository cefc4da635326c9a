"""
Declared way of logging in + secrets in settings -> what a request must carry.

Effects: the styles that fetch a token ask the API for it, or a token server (connectors/oauth.py). Tokens are kept in
memory and fetched again when the API no longer takes them.
"""

import base64
import threading
from collections.abc import Callable

import jmespath

from connectors.calls import Caller, Extra, Login, Proof
from connectors.oauth import Tokens
from dsar.declaration import Auth
from dsar.errors import SystemRefusedError

#: Style -> the options of settings that it needs.
NEEDS: dict[str, frozenset[str]] = {
    "none": frozenset(),
    "basic": frozenset({"user", "password"}),
    "bearer": frozenset({"token"}),
    "header": frozenset({"token"}),
    "query": frozenset({"token"}),
    "oauth2_client": frozenset({"client_id", "client_secret"}),
    "oauth2_refresh": frozenset({"client_id", "client_secret", "refresh_token"}),
    "oauth2_code": frozenset({"client_id", "authorize_url", "renewed_token_path"}),
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
        case "oauth2_client" | "oauth2_refresh" | "oauth2_code":
            return _Fetched(Tokens(caller).fetch)
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
