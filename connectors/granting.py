"""
A member of staff's consent in a browser -> a refresh token for one system (RFC 6749 section 4.1, RFC 7636, RFC 8252).

Effects: listens on 127.0.0.1 for the one answer, for as long as it is waited for; keeps the token that the code gives.
"""

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from connectors.calls import Caller, pinned
from connectors.logins import login_of
from connectors.oauth import Tokens
from dsar.declaration import Declaration
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError

_PAGE = "<!doctype html><meta charset=utf-8><title>dsar</title><p>dsar has the answer. You may close this window."


class Grant:
    """One walk through the vendor's page; its code is of use to nobody else."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str], changes: bool) -> None:
        """
        Args: changes: for the account of the options `write_...`.
        Raises: SettingsError if the system does not log in this way or an option is missing.
        """
        if declaration.http is None or declaration.http.auth.style != "oauth2_code":
            raise SettingsError([f"system {name}: only a system that logs in by 'oauth2_code' is connected like this"])
        separate = {key.removeprefix("write_"): value for key, value in options.items() if key.startswith("write_")}
        chosen = {**options, **(separate if changes else {})}
        if missing := [key for key in ("authorize_url", "client_id", "renewed_token_path") if key not in chosen]:
            raise SettingsError([f"system {name}: {key} is missing" for key in missing])
        self._name, self._auth, self._client_id = name, declaration.http.auth, chosen["client_id"]
        self._page = pinned(name, "authorize_url", chosen["authorize_url"])
        self._tokens = Tokens(Caller(name, declaration.http, chosen, login_of))
        self._state = secrets.token_urlsafe(32)
        self._verifier = secrets.token_urlsafe(64)

    def address(self, redirect: str) -> str:
        """Where to log in and consent; the vendor then sends the browser to *redirect*."""
        # RFC 7636 section 4.2: BASE64URL(SHA256(code_verifier)) without padding
        digest = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": redirect,
            "state": self._state,
            "code_challenge": digest.decode().rstrip("="),
            "code_challenge_method": "S256",
            **({"scope": self._auth.scope} if self._auth.scope else {}),
            **self._auth.authorize,
        }
        return str(self._page.copy_merge_params(query))

    def take(self, answer: str, *, redirect: str) -> None:
        """
        Change the code for a token and keep that.

        Args: answer: the address that the browser was sent to in the end.
        Raises: SystemRefusedError: no consent, or the answer to another walk; SystemUnavailableError.
        """
        said = {key: values[0] for key, values in parse_qs(urlsplit(answer.strip()).query).items()}
        # RFC 6749 section 10.12: without it, somebody else's account could be slipped in.
        if not secrets.compare_digest(said.get("state", "").encode(), self._state.encode()):
            raise SystemRefusedError(self._name, "the answer belongs to another attempt")
        if "code" not in said:
            raise SystemRefusedError(self._name, "nobody consented")
        self._tokens.exchange(said["code"], redirect=redirect, verifier=self._verifier)


@contextmanager
def listening(name: str, port: int) -> Iterator[tuple[str, Callable[[float], str]]]:
    """
    (redirect address, waits so many seconds for the address that a browser asks for there); port 0: any free one.

    Raises: SettingsError if the port is taken; the waiting: SystemUnavailableError.
    """
    asked: list[str] = []
    came = threading.Event()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = "state" in parse_qs(urlsplit(self.path).query) and not asked
            self.send_response(200 if wanted else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if wanted:
                self.wfile.write(_PAGE.encode())
                asked.append(self.path)
                came.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """The address holds the code: it is in no log."""

    try:
        server = HTTPServer(("127.0.0.1", port), Door)
    except OSError:
        raise SettingsError([f"port {port} of this machine is taken"]) from None

    def wait(seconds: float) -> str:
        if not came.wait(seconds):
            raise SystemUnavailableError(name, "nobody came back from the page of consent")
        return asked[0]

    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", wait
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
