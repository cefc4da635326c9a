"""What goes wrong with a web API: coverage says so, nothing partial passes for whole, nothing leaks (P5, P9, P10)."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web import Asked, Reply, Web, serve

from connectors import conformance, open_connector, slots
from connectors.memory import MemoryConnector
from dsar.connector import Searches
from dsar.declaration import parse_declaration
from dsar.errors import DsarError, SettingsError
from dsar.model import Identifier, IdentifierType, SearchResult
from dsar.search import search

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PERSON = Identifier(type=IdentifierType.EMAIL, value="bo@example.com")

TEMPLATE = """
name = "shop"
kind = "rest"
label = {{sv = "Butiken", en = "The shop"}}
canary = {{type = "email", value = "kanarie@example.com"}}
http = {{{http}}}
[[object]]
name = "customer"
label = {{sv = "Kund", en = "Customer"}}
key = "no"
activities = ["A1"]
find = [{{by = "email", columns = ["mail"], request = {{{request}}}}}]
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "identity", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
]
"""
FAST = "rate = {calls = 5000, at_once = 8}"
BY_MAIL = 'path = "/customers", query = {mail = "{value}"}'
ROWS: Sequence[dict[str, str]] = [{"no": f"K{number}", "mail": "bo@example.com"} for number in range(5)]
STARTS = {None: "2", "2": "4", "4": None}
BO = {"no": "K4", "mail": "bo@example.com"}


@pytest.fixture
def serving() -> Iterator[Callable[[Callable[[Asked], Reply]], Web]]:
    """Start a server that answers as the given function says."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(serve(answer))


Serving = Callable[[Callable[[Asked], Reply]], Web]


def connect(web: Web, *, http: str = FAST, request: str = BY_MAIL, **options: str) -> Any:  # noqa: ANN401
    declaration = parse_declaration(TEMPLATE.format(http=http, request=request), source="shop.toml")
    return open_connector("rest", name="shop", declaration=declaration, options={"url": web.url, **options})


def look(*systems: Searches) -> SearchResult:
    return search(dict(zip(("shop", "office"), systems, strict=False)), [PERSON], now=NOW)


def office() -> MemoryConnector:
    text = conformance.DECLARATION.format(kind="memory", place="")
    rows = {"customer": [dict(row) for row in conformance.ROWS]}
    return MemoryConnector(name="office", declaration=parse_declaration(text, source="test"), rows=rows)


def paged(pages: int, failing: int = 0) -> Callable[[Asked], Reply]:
    """One row to a page; the page *failing* answers 500."""

    def answer(asked: Asked) -> Reply:
        number = int(asked.query["page"])
        if number == failing:
            return Reply(status=500, body={})
        mail = "bo@example.com" if number == pages else f"other{number}@example.com"
        return Reply(body=[{"no": f"K{number}", "mail": mail}] if number <= pages else [])

    return answer


PAGES = f'{FAST}, paging = {{style = "page", param = "page", size_param = "size", size = 100}}'


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


def test_more_rows_than_the_system_gives_pages_for_is_a_failed_read(serving: Serving) -> None:
    web = serving(paged(11))
    capped = PAGES.replace("size = 100", "size = 100, cap = 10")

    assert "no more than 10 pages" in look(connect(web, http=capped)).systems[0].detail


def test_fewer_rows_than_the_system_says_it_has_is_a_failed_read(serving: Serving) -> None:
    web = serving(lambda asked: Reply(body={"total": 3, "items": [BO] if asked.query["page"] == "1" else []}))
    http = PAGES.replace("size = 100", 'size = 100, total = "total"')

    assert "1 of 3 rows" in look(connect(web, http=http, request=f'{BY_MAIL}, rows = "items"')).systems[0].detail


def test_a_slow_system_is_given_up_and_the_others_finish(serving: Serving) -> None:
    def answer(_: Asked) -> Reply:
        time.sleep(2)
        return Reply(body=[BO])

    result = look(connect(serving(answer), timeout_seconds="1"), office())

    assert [each.outcome.value for each in result.systems] == ["failed", "found"]


def test_a_permission_that_was_revoked_without_a_word_shows_at_the_canary(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[]))

    health = connect(web).health()

    assert (health.ok, health.detail) == (False, "the canary person is not found")


def test_a_server_that_is_not_there_is_a_failed_read() -> None:
    gone = Web(lambda _: Reply(), url="http://127.0.0.1:9/api")

    assert look(connect(gone)).systems[0].outcome.value == "failed"


# ------------------------------------------------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    "said", ["1", format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)], ids=["seconds", "date"]
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(serving: Serving, status: int, said: str) -> None:
    times = []

    def answer(_: Asked) -> Reply:
        times.append(time.monotonic())
        return Reply(status=status, headers={"Retry-After": said}) if len(times) == 1 else Reply(body=[BO])

    assert len(look(connect(serving(answer))).systems[0].records) == 1
    assert times[1] - times[0] >= 0.99


def test_more_patience_than_settings_grant_is_not_shown(serving: Serving) -> None:
    web = serving(lambda _: Reply(status=429, headers={"Retry-After": "30"}))
    began = time.monotonic()

    assert look(connect(web, patience_seconds="2")).systems[0].outcome.value == "failed"
    assert time.monotonic() - began < 2
    assert len(web.asked) == 1


def test_the_declared_rate_is_kept(serving: Serving) -> None:
    web = serving(paged(5))
    http = PAGES.replace(FAST, "rate = {calls = 2, seconds = 0.5}")
    began = time.monotonic()

    look(connect(web, http=http))

    assert len(web.asked) == 6
    assert time.monotonic() - began >= 1.0  # six calls, two in each half second


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


def test_the_certificate_is_verified(tmp_path: Any) -> None:  # noqa: ANN401
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


# ------------------------------------------------------------------------------------------------- logins and pages


def test_every_fixed_login_is_sent_as_declared(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[]))
    for auth, options in [
        ('style = "basic"', {"user": "dsar", "password": "pw"}),
        ('style = "bearer"', {"token": "t"}),
        ('style = "header", name = "X-Api-Key"', {"token": "t"}),
        ('style = "query", name = "key"', {"token": "t"}),
    ]:
        look(connect(web, http=f"{FAST}, auth = {{{auth}}}", **options))
    basic, bearer, header, query = web.asked
    assert basic.headers["authorization"] == "Basic ZHNhcjpwdw=="
    assert bearer.headers["authorization"] == "Bearer t"
    assert header.headers["x-api-key"] == "t"
    assert (query.query["key"], query.query["mail"]) == ("t", "bo@example.com")


@pytest.mark.parametrize("style", ["oauth2_client", "oauth2_refresh"])
def test_an_oauth_token_is_fetched_once_and_again_when_it_has_run_out(
    serving: Serving,
    style: str,
    tmp_path: Any,  # noqa: ANN401
) -> None:
    given_out: list[dict[str, str]] = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/token":
            given_out.append(asked.form)
            number = len(given_out)
            return Reply(body={"access_token": f"a{number}", "refresh_token": f"r{number}"})
        return Reply(body=[BO]) if asked.headers["authorization"] == "Bearer a2" else Reply(status=401, body={})

    options = {"client_id": "c", "client_secret": "s"}
    if style == "oauth2_refresh":
        options |= {"refresh_token": "r0", "renewed_token_path": str(tmp_path / "token")}
    http = f'{FAST}, auth = {{style = "{style}", token_path = "/token", scope = "read"}}'
    shop = connect(serving(answer), http=http, **options)

    assert len(look(shop).systems[0].records) == 1
    assert len(look(shop).systems[0].records) == 1
    assert len(given_out) == 2
    assert given_out[0]["scope"] == "read"
    if style == "oauth2_refresh":
        assert [form["refresh_token"] for form in given_out] == ["r0", "r1"]
        assert (tmp_path / "token").read_text() == "r2"
        assert (tmp_path / "token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("paging", "answers"),
    [
        ('style = "offset", param = "skip"', lambda at: Reply(body={"items": ROWS[int(at.query["skip"]) :][:2]})),
        (
            'style = "cursor", param = "start", next = "next"',  # the cursor of 46elks is a time
            lambda at: Reply(
                body={"items": ROWS[int(at.query.get("start", 0)) :][:2], "next": STARTS[at.query.get("start")]}
            ),
        ),
        (
            'style = "link_header"',
            lambda at: Reply(
                body={"items": ROWS[int(at.query.get("at", 0)) :][:2]},
                headers={"Link": f'</api/customers?at={STARTS[at.query.get("at")]}>; rel="next"'}
                if STARTS[at.query.get("at")]
                else {},
            ),
        ),
        (
            'style = "page", more = "more"',
            lambda at: Reply(
                body={"items": ROWS[2 * int(at.query["page"]) - 2 :][:2], "more": int(at.query["page"]) < 3}
            ),
        ),
    ],
    ids=["offset", "cursor", "link_header", "more"],
)
def test_every_style_of_pages_is_read_to_the_end(
    serving: Serving, paging: str, answers: Callable[[Asked], Reply]
) -> None:
    web = serving(answers)
    http = f"{FAST}, paging = {{{paging}}}"

    (shop,) = look(connect(web, http=http, request='path = "/customers", rows = "items"')).systems

    assert sorted(record.key for record in shop.records) == ["K0", "K1", "K2", "K3", "K4"], shop.detail


def test_a_job_is_asked_about_until_it_is_done(serving: Serving) -> None:
    asked_about = []

    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/exports":
            return Reply(status=202, body={"id": 7})
        if asked.path == "/api/exports/7":
            asked_about.append(asked)
            return Reply(body={"state": "running" if len(asked_about) < 3 else "done"})
        return Reply(body=[BO])

    job = 'number = "id", path = "/exports/{job}", status = "state", done = ["done"], failed = ["error"]'
    request = f'path = "/exports", method = "POST", json = {{mail = "{{value}}"}}, job = {{{job}, result = "/exports/{{job}}/rows", every_seconds = 0.01}}'  # noqa: E501

    (shop,) = look(connect(serving(answer), request=request)).systems

    assert [record.key for record in shop.records] == ["K4"], shop.detail
    assert len(asked_about) == 3


def test_a_job_that_failed_or_never_ends_is_a_failed_read(serving: Serving) -> None:
    for state in ("error", "running"):
        web = serving(lambda _, state=state: Reply(body={"id": 7, "state": state}))  # type: ignore[misc]
        job = 'number = "id", path = "/exports/{job}", status = "state", done = ["done"], failed = ["error"], every_seconds = 0.01, within_seconds = 0.05'  # noqa: E501

        (shop,) = look(connect(web, request=f'path = "/exports", method = "POST", job = {{{job}}}')).systems

        assert shop.outcome.value == "failed"


def test_a_query_language_gets_its_json_as_base64(serving: Serving) -> None:
    """As Tryton wants it: ?d=base64url([["value","ilike",...]])"""
    import base64
    import json

    web = serving(lambda _: Reply(body=[]))
    request = 'path = "/party", query = {d = {pack = [["value", "ilike", "{value:like}"]], encode = "base64url"}}'

    look(connect(web, request=request))

    assert json.loads(base64.urlsafe_b64decode(web.asked[0].query["d"])) == [
        ["value", "ilike", "bo@example.com"]
    ]


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


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(SettingsError, match="token is missing"):
        connect(Web(lambda _: Reply(), url="https://shop.example"), http=f'{FAST}, auth = {{style = "bearer"}}')
