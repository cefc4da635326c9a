"""A member of staff lets the program into a web API by their consent in a browser (OAuth 2.0 by code, with PKCE)."""

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from api import BO, FAST, TEMPLATE, look
from click.testing import CliRunner
from cryptography.fernet import Fernet
from office import open_office
from servers.web import Asked, Reply, Serving, Web

from connectors import open_connector
from connectors.granting import Grant, listening
from dsar.cli import main
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError

HTTP = (
    f'{FAST}, auth = {{style = "oauth2_code", scope = "customer", client_auth = "basic", authorize = {{kind = "x"}}}}'
)
DECLARATION = parse_declaration(
    TEMPLATE.format(http=HTTP, request='path = "/customers", query = {mail = "{value}"}'), source="shop"
)
REDIRECT = "http://127.0.0.1:8765/"


class Vendor:
    """A token server that takes each code, refresh token and verifier once, and an API behind it."""

    def __init__(self) -> None:
        self.challenge = ""
        self.refresh = "none"
        self.given = 0

    def consent(self, address: str) -> str:
        """What the browser of a person who consents is sent to."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        self.challenge = asked["code_challenge"]
        return f"{asked['redirect_uri']}?code=c-1&state={asked['state']}"

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/token":
            return self._token(asked)
        return Reply(body=[BO]) if asked.headers.get("authorization") == f"Bearer a{self.given}" else Reply(status=401)

    def _token(self, asked: Asked) -> Reply:
        form = asked.form
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proven = base64.urlsafe_b64encode(verifier).decode().rstrip("=") == self.challenge and form.get("code") == "c-1"
        if not proven and form.get("refresh_token") != self.refresh:
            return Reply(status=400, body={"error": "invalid_grant"})
        self.given += 1
        self.challenge, self.refresh = "", f"r{self.given}"
        return Reply(body={"access_token": f"a{self.given}", "refresh_token": self.refresh})


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def options(serving: Serving, vendor: Vendor, tmp_path: Path) -> dict[str, str]:
    web = serving(vendor.answer)
    return {
        "url": web.url,
        "authorize_url": f"{web.url}/consent",
        "token_url": f"{web.url}/token",
        "client_id": "dsar",
        "client_secret": "s",
        "renewed_token_path": str(tmp_path / "shop.token"),
        "token_key": Fernet.generate_key().decode(),
    }


def grant(options: dict[str, str]) -> Grant:
    return Grant(name="shop", declaration=DECLARATION, options=options, changes=False)


def records(options: dict[str, str]) -> int:
    """How many records a freshly started program finds."""
    return len(look(open_connector("rest", name="shop", declaration=DECLARATION, options=options)).records)


def test_a_grant_by_code_lets_the_program_in(options: dict[str, str], vendor: Vendor) -> None:
    walk = grant(options)

    walk.take(vendor.consent(walk.address(REDIRECT)), redirect=REDIRECT)

    assert [records(options), records(options)] == [1, 1]  # each start uses up a refresh token and keeps the next


def test_the_token_that_is_kept_is_sealed(options: dict[str, str], vendor: Vendor) -> None:
    walk = grant(options)
    walk.take(vendor.consent(walk.address(REDIRECT)), redirect=REDIRECT)

    path = Path(options["renewed_token_path"])
    assert b"r1" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(SystemRefusedError, match="cannot be opened"):
        grant(options | {"token_key": Fernet.generate_key().decode()})._tokens.fetch()


def test_the_page_of_consent_is_asked_as_declared(options: dict[str, str]) -> None:
    asked = parse_qs(urlsplit(grant(options).address(REDIRECT)).query)

    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert (asked["client_id"], asked["scope"], asked["kind"]) == (["dsar"], ["customer"], ["x"])
    assert asked["redirect_uri"] == [REDIRECT]


def test_the_answer_to_another_walk_is_not_taken(options: dict[str, str], vendor: Vendor) -> None:
    """Somebody else's account could be slipped in."""
    with pytest.raises(SystemRefusedError, match="another attempt"):
        grant(options).take(vendor.consent(grant(options).address(REDIRECT)), redirect=REDIRECT)
    assert vendor.given == 0


def test_who_does_not_consent_is_told(options: dict[str, str]) -> None:
    walk = grant(options)
    state = parse_qs(urlsplit(walk.address(REDIRECT)).query)["state"][0]

    with pytest.raises(SystemRefusedError, match="nobody consented"):
        walk.take(f"{REDIRECT}?error=access_denied&state={state}", redirect=REDIRECT)


def test_without_a_grant_the_search_says_what_to_do(options: dict[str, str]) -> None:
    (shop,) = look(open_connector("rest", name="shop", declaration=DECLARATION, options=options)).systems

    assert (shop.outcome.value, "dsar system connect shop" in shop.detail) == ("failed", True)


def test_a_missing_option_is_named(options: dict[str, str]) -> None:
    del options["authorize_url"]

    with pytest.raises(SettingsError, match="authorize_url is missing"):
        grant(options)


def test_a_door_that_nobody_comes_to_is_closed_again() -> None:
    with pytest.raises(SystemUnavailableError, match="nobody came back"), listening("shop", 0) as (_, wait):
        wait(0.01)


# -------------------------------------------------------------------------------------------------- by command line


def connecting(folder: Path) -> list[str]:
    """Arguments of the command that connects the shop."""
    return ["--settings", str(folder / "settings.ini"), "system", "connect", "shop"]


@contextmanager
def installation(folder: Path, web: Web) -> Iterator[Callable[..., str]]:
    """An installation with that shop; runs `dsar system connect`."""
    shop = f"connector = rest\ndeclaration = shop.toml\nurl = {web.url}\nauthorize_url = {web.url}/consent\n"
    shop += f"token_url = {web.url}/token\nclient_id = dsar\nclient_secret = s\nrenewed_token_path = shop.token"
    (folder / "shop.toml").write_text(TEMPLATE.format(http=HTTP, request='path = "/customers"'), "utf-8")
    with open_office(folder, more={"system.shop": shop}):
        pass
    (folder / "settings.ini").chmod(0o600)

    def run(*arguments: str, said: str = "") -> str:
        result = CliRunner(env={"DSAR_ACTOR": "anna"}).invoke(main, [*connecting(folder), *arguments], input=said)
        return f"{result.exit_code} {result.output}"

    yield run


def test_staff_connect_a_system_through_a_browser_on_this_machine(
    serving: Serving, vendor: Vendor, tmp_path: Path
) -> None:
    """The person reads the address on the screen, consents and is sent back."""
    with (
        installation(tmp_path, serving(vendor.answer)),
        subprocess.Popen(
            [sys.executable, "-m", "dsar", *connecting(tmp_path)],
            env={**os.environ, "DSAR_ACTOR": "anna"},
            stdout=subprocess.PIPE,
            text=True,
        ) as program,
    ):
        address = next(line.strip() for line in program.stdout or () if line.startswith("http"))
        with urlopen(vendor.consent(address)):  # noqa: S310  # our own
            assert program.wait(60) == 0

    assert vendor.given == 1
    assert (tmp_path / "shop.token").exists()


def test_an_address_of_another_attempt_that_is_pasted_is_refused(
    serving: Serving, vendor: Vendor, tmp_path: Path
) -> None:
    with installation(tmp_path, serving(vendor.answer)) as run:
        output = run("--paste", said="http://127.0.0.1:1/?code=c-1&state=forged\n")

    assert output.startswith("1 ")
    assert "another attempt" in output
    assert "c-1" not in output
