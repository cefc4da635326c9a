"""Access tokens from a token server, over real HTTP on this machine."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dsar.errors import TokenUnavailableError
from dsar.mailserver import Credential
from dsar.oauth import AccessTokens, OAuthClient


class TokenServer:
    """Answers each request with the next of *answers*, the last one again and again; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(dict(urllib.parse.parse_qsl(body)))
                status, answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", outer.url)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[TokenServer]:
    server = TokenServer()
    yield server
    server.close()


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _token(name: str = "t1", **more: object) -> tuple[int, dict[str, object]]:
    return 200, {"access_token": name, "token_type": "Bearer", "expires_in": 3600, **more}


def test_a_client_with_a_secret_asks_by_client_credentials(server: TokenServer) -> None:
    server.answers = [_token()]
    client = OAuthClient(token_url=server.url, client_id="dsar", client_secret="s%cret&", scope="https://x/.default")
    assert AccessTokens("privacy", client)() == Credential(kind="xoauth2", secret="t1")
    assert server.asked == [
        {
            "grant_type": "client_credentials",
            "client_id": "dsar",
            "client_secret": "s%cret&",
            "scope": "https://x/.default",
        }
    ]


def test_a_client_with_a_refresh_token_uses_it_and_the_one_that_replaces_it(server: TokenServer) -> None:
    server.answers = [_token(refresh_token="r2"), _token("t2")]
    clock = Clock()
    client = OAuthClient(token_url=server.url, client_id="dsar", refresh_token="r1")
    tokens = AccessTokens("privacy", client, clock=clock)
    tokens()
    clock.seconds += 3600
    assert tokens().secret == "t2"
    assert [asked["refresh_token"] for asked in server.asked] == ["r1", "r2"]
    assert {asked["grant_type"] for asked in server.asked} == {"refresh_token"}


def test_a_token_is_used_until_a_minute_before_it_expires(server: TokenServer) -> None:
    server.answers = [_token("t1"), _token("t2")]
    clock = Clock()
    tokens = AccessTokens(
        "privacy", OAuthClient(token_url=server.url, client_id="dsar", client_secret="s"), clock=clock
    )
    assert tokens().secret == "t1"
    clock.seconds += 3539
    assert tokens().secret == "t1"
    clock.seconds += 1
    assert tokens().secret == "t2"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((400, {"error": "invalid_grant", "error_description": "user anna@kund.se"}), "refused: invalid_grant."),
        ((400, {"error": "anna@kund.se is locked"}), "refused: HTTP 400."),
        ((500, b"<html>anna@kund.se"), "refused: HTTP 500."),
        ((302, b""), "refused: HTTP 302."),  # not followed: a token comes from where the settings say
        ((200, b"not json"), "holds no bearer token"),
        ((200, b"[" * 5000), "holds no bearer token"),
        ((200, {"token_type": "Bearer"}), "holds no bearer token"),
        ((200, {"access_token": "t1", "token_type": "mac"}), "holds no bearer token"),
        ((200, {"access_token": 1, "token_type": "Bearer"}), "holds no bearer token"),
    ],
)
def test_a_refusal_is_told_without_the_servers_own_words(
    server: TokenServer, answer: tuple[int, object], says: str
) -> None:
    server.answers = [answer]
    tokens = AccessTokens("privacy", OAuthClient(token_url=server.url, client_id="dsar", client_secret="s"))
    with pytest.raises(TokenUnavailableError, match=says) as raised:
        tokens()
    assert str(raised.value).startswith("There is no access token for 'privacy': ")
    assert "anna" not in str(raised.value)


def test_a_server_that_is_not_there_is_a_temporary_error(server: TokenServer) -> None:
    server.close()
    tokens = AccessTokens("privacy", OAuthClient(token_url=server.url, client_id="dsar", client_secret="s"))
    with pytest.raises(TokenUnavailableError, match="does not answer"):
        tokens()


@pytest.mark.parametrize(
    "client",
    [
        {"token_url": "http://login.example/token", "client_id": "dsar", "client_secret": "s"},
        {"token_url": "file:///etc/passwd", "client_id": "dsar", "client_secret": "s"},
        {"token_url": "https://login.example/token", "client_id": "dsar"},
        {"token_url": "https://login.example/token", "client_id": "", "client_secret": "s"},
    ],
)
def test_a_secret_never_travels_unencrypted_and_never_lacks(client: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"https|client id"):
        OAuthClient(**client)


def test_secrets_do_not_show() -> None:
    client = OAuthClient(token_url="https://x.example/", client_id="dsar", client_secret="hush1", refresh_token="hush2")
    assert "hush" not in repr(client)


# ------------------------------------------------------------------------------------------- rotated refresh tokens


def rotating(server: TokenServer, path: Path, refresh_token: str = "first") -> AccessTokens:  # noqa: S107
    client = OAuthClient(token_url=server.url, client_id="dsar", refresh_token=refresh_token, renewed_token_path=path)
    return AccessTokens("privacy", client)


def test_a_rotated_refresh_token_is_kept_for_the_next_process(server: TokenServer, tmp_path: Path) -> None:
    """Microsoft gives a new one each time; the one in settings ends one day."""
    server.answers = [(200, {"access_token": "a", "token_type": "Bearer", "refresh_token": "second"})]
    for _ in range(2):
        rotating(server, tmp_path / "token")()
    assert [asked["refresh_token"] for asked in server.asked] == ["first", "second"]


def test_it_is_kept_where_only_we_can_read_it(server: TokenServer, tmp_path: Path) -> None:
    server.answers = [(200, {"access_token": "a", "token_type": "Bearer", "refresh_token": "second"})]
    rotating(server, tmp_path / "token")()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


def test_another_token_in_settings_replaces_what_was_kept(server: TokenServer, tmp_path: Path) -> None:
    server.answers = [(200, {"access_token": "a", "token_type": "Bearer", "refresh_token": "second"})]
    rotating(server, tmp_path / "token")()
    rotating(server, tmp_path / "token", refresh_token="given anew")()
    assert [asked["refresh_token"] for asked in server.asked] == ["first", "given anew"]


def test_a_token_that_cannot_be_kept_is_an_error_that_names_no_token(server: TokenServer, tmp_path: Path) -> None:
    server.answers = [(200, {"access_token": "a", "token_type": "Bearer", "refresh_token": "second"})]
    with pytest.raises(TokenUnavailableError, match="could not be kept") as caught:
        rotating(server, tmp_path / "missing" / "token")()
    assert "second" not in str(caught.value)


def test_two_processes_never_use_one_refresh_token_twice(server: TokenServer, tmp_path: Path) -> None:
    """A server that sees a token again may forget who had it (RFC 6749 section 10.4)."""
    server.answers = [_token(f"a{number}", refresh_token=f"r{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as processes:
        held = list(processes.map(lambda _: rotating(server, tmp_path / "token")().secret, range(8)))

    asked = [each["refresh_token"] for each in server.asked]
    assert (len({*held}), len({*asked})) == (8, 8)
