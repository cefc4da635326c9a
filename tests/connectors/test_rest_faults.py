"""What goes wrong with a web API: coverage says so, nothing partial passes for whole, nothing leaks (P5, P9, P10)."""

import logging
from typing import Any
from urllib.parse import unquote

import pytest
from api import BO, BY_MAIL, FAST, NOW, PAGES, PERSON, TEMPLATE, connect, declared, look, paged
from hypothesis import given
from hypothesis import strategies as st
from servers.web import Reply, Serving, Web

from connectors import conformance, open_connector, slots
from connectors.memory import MemoryConnector
from dsar.declaration import parse_declaration
from dsar.errors import DsarError, SettingsError
from dsar.model import Identifier, IdentifierType
from dsar.search import search


def office() -> MemoryConnector:
    text = conformance.DECLARATION.format(kind="memory", place="")
    rows = {"customer": [dict(row) for row in conformance.ROWS]}
    return MemoryConnector(name="office", declaration=parse_declaration(text, source="test"), rows=rows)


# ------------------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    ("reply", "detail"),
    [
        (Reply(status=401, body={}), "HTTP 401"),
        (Reply(status=403, body={}), "HTTP 403"),
        (Reply(status=404, body={}), "HTTP 404"),
        (Reply(status=500, body={}), "HTTP 500"),
        (Reply(status=429, headers={"Retry-After": "3600"}), "HTTP 429"),
        (Reply(body=b"<html>Log in</html>", headers={"Content-Type": "text/html"}), "a web page instead of data"),
        (Reply(body=b'[{"no": "K4", "mail": "bo@exa'), "not whole JSON"),
        (Reply(body=b'[{"no": "K4"}]', says_length=9000), "RemoteProtocolError"),
        (Reply(body={"message": "hello bo@example.com"}), "no 'no'"),
        (Reply(body="fine"), "no rows"),
        (Reply(body=None), "no rows"),
        (Reply(body=[{"mail": "bo@example.com"}]), "has no 'no'"),
        (Reply(status=302, headers={"Location": "https://evil.example/"}), "redirects elsewhere"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_a_failed_read_and_the_others_finish(serving: Serving, reply: Reply, detail: str) -> None:
    web = serving(lambda _: reply)

    shop, other = look(connect(web), office()).systems

    assert (shop.outcome.value, other.outcome.value) == ("failed", "found")
    assert detail in shop.detail
    assert "bo@example.com" not in shop.detail


def test_a_page_that_fails_makes_the_whole_read_fail(serving: Serving) -> None:
    web = serving(paged(3, failing=2))

    assert look(connect(web, http=PAGES)).systems[0].outcome.value == "failed"


def test_a_thousand_pages_are_read_to_the_last(serving: Serving) -> None:
    web = serving(paged(1000))

    (shop,) = look(connect(web, http=PAGES)).systems

    assert [record.key for record in shop.records] == ["K1000"]


def test_pages_that_go_round_in_a_circle_are_noticed(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[BO]))

    assert "circle" in look(connect(web, http=PAGES)).systems[0].detail


def test_a_slow_system_is_given_up_and_the_others_finish(serving: Serving) -> None:
    result = look(connect(serving(lambda _: Reply(never=True)), timeout_seconds="1"), office())

    assert [each.outcome.value for each in result.systems] == ["failed", "found"]


def test_a_permission_that_was_revoked_without_a_word_shows_at_the_canary(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[]))

    health = connect(web).health()

    assert (health.ok, health.detail) == (False, "the canary person is not found")


def test_a_server_that_is_not_there_is_a_failed_read() -> None:
    gone = Web(lambda _: Reply(), url="http://127.0.0.1:9/api")

    assert look(connect(gone)).systems[0].outcome.value == "failed"


# ---------------------------------------------------------------------------------------------- hosts, slots, secrecy


@pytest.mark.parametrize("style", ['style = "link_header"', 'style = "body_link", next = "next"'])
def test_a_link_to_another_host_is_not_followed(serving: Serving, style: str) -> None:
    evil = serving(lambda _: Reply(body=[]))
    link = f"{evil.url}/customers?page=2"
    web = serving(lambda _: Reply(body={"items": [BO], "next": link}, headers={"Link": f'<{link}>; rel="next"'}))

    (shop,) = look(connect(web, http=f"{FAST}, paging = {{{style}}}", request=f'{BY_MAIL}, rows = "items"')).systems

    assert "another host" in shop.detail
    assert evil.asked == []


@pytest.mark.parametrize("url", ["http://shop.example/api", "ftp://shop.example", "https://a:b@shop.example", "shop"])
def test_only_https_is_spoken_to_other_machines(url: str) -> None:
    with pytest.raises(SettingsError, match="url"):
        connect(Web(lambda _: Reply(), url=url))


def test_the_certificate_is_verified(tmp_path: Any) -> None:
    import socket
    import ssl
    import subprocess
    import threading

    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key, "-out", cert]
    subprocess.run([*command, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with server.accept()[0] as plain, pytest.raises(OSError):  # noqa: PT011  # whatever the client does
                context.wrap_socket(plain, server_side=True).recv(10)

        thread = threading.Thread(target=accept)
        thread.start()
        web = Web(lambda _: Reply(), url=f"https://127.0.0.1:{server.getsockname()[1]}")
        (shop,) = look(connect(web)).systems
        thread.join()

    assert (shop.outcome.value, "ConnectError" in shop.detail) == ("failed", True)


HOSTILE = [
    "..",
    ".",
    "../admin",
    "%2e%2e/x",
    "a/b?c=d#e",
    "x\r\nX-Evil: 1",
    "'; DROP",
    "https://evil.example",
    "åäö\u202e",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_one_encoded_segment(serving: Serving, text: str) -> None:
    """promise P10: never path, query or header but through a declared slot."""
    web = serving(lambda _: Reply(status=404))
    user = 'by = "username", columns = ["mail"], request = {path = "/users/{value}", nothing = [404]}'
    declaration = TEMPLATE.format(http=FAST, request=BY_MAIL).replace("find = [", f"find = [{{{user}}}, ")
    shop = open_connector(
        "rest", name="shop", declaration=parse_declaration(declaration, source="x"), options={"url": web.url}
    )

    search({"shop": shop}, [Identifier(type=IdentifierType.USERNAME, value=text)], now=NOW)

    for asked in web.asked:
        assert asked.target.startswith("/api/users/")
        assert unquote(asked.target.removeprefix("/api/users/")) == text
        assert "/" not in asked.target.removeprefix("/api/users/")
        assert "x-evil" not in asked.headers
    assert web.asked or text in {"..", ".", "x\r\nX-Evil: 1"}


@given(value=st.text())
def test_a_value_never_leaves_its_place_in_a_path(value: str) -> None:
    try:
        path = slots.in_path("/users/{value}/mail", {"value": value})
    except slots.UnfitValueError:
        return
    before, segment, after = path[1:].split("/")
    assert (before, unquote(segment), after) == ("users", value, "mail")
    assert segment not in {"", ".", ".."}


@pytest.mark.parametrize(
    ("form", "value", "sent"),
    [
        ("plain", "a'b", "a'b"),
        ("quoted", "a'b\\", "a\\'b\\\\"),
        ("like", "a_b%", "a\\_b\\%"),
        ("regex", "a.b", "a\\.b"),
        ("digits", "+46 70-1", "46701"),
        ("last9", "+46701740605", "701740605"),
        ("national", "+46701740605", "0701740605"),
        ("short", "198001011234", "800101-1234"),
        ("long", "198001011234", "19800101-1234"),
    ],
)
def test_a_slot_may_ask_for_a_form(form: str, value: str, sent: str) -> None:
    assert slots.in_text("{value:" + form + "}", {"value": value}) == sent


def test_neither_log_nor_error_holds_what_was_searched_for(serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web = serving(lambda _: Reply(status=500, body={"mail": "bo@example.com"}))

    with pytest.raises(DsarError) as raised:
        connect(web).search([PERSON], read_at=NOW)

    assert web.asked
    assert "bo" not in caplog.text
    assert "bo@" not in str(raised.value)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ('path = "https://evil.example"', "a path begins with one /"),
        ('path = "/a/../b"', "a path begins with one /"),
        ('path = "/a/{secret.token}"', "there is no 'secret.token'"),
        ('path = "/a/{person}"', "is no slot"),
        ('path = "/a", rows = "[["', "no JMESPath"),
        ('path = "/a", json = {query = "{ customer(mail: \\"{value}\\") }"}', "never stands in the text of a query"),
        ('path = "/a", paging = {style = "cursor"}', "'next' belongs to"),
    ],
)
def test_a_request_that_cannot_be_right_is_refused(request_: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        parse_declaration(TEMPLATE.format(http=FAST, request=request_), source="shop.toml")


@pytest.mark.parametrize(
    ("more", "request_", "fault"),
    [
        ("", 'path = "/boxes/{inside.box}/customers"', "there is no 'inside.box' to put in here"),
        (
            'inside = [{name = "box", request = {path = "/boxes/{inside.box}"}, value = "name"}]',
            'path = "/customers"',
            "there is no 'inside.box' to put in here",
        ),
        (
            'parts = [{name = "mail", later = true, request = {path = "/customers/{key}"}}]',
            'path = "/customers"',
            "column 'mail' stands in part 'mail', which is read only for what is found",
        ),
    ],
)
def test_a_place_or_part_that_cannot_be_right_is_refused(more: str, request_: str, fault: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_declaration(declared(request=request_, more=more), source="shop.toml")

    assert fault in str(caught.value.problems)


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(SettingsError, match="token is missing"):
        connect(Web(lambda _: Reply(), url="https://shop.example"), http=f'{FAST}, auth = {{style = "bearer"}}')
