"""Every way in which web APIs know who asks, give long answers, limit who asks, and end work later."""

import base64
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from api import BO, BY_MAIL, FAST, PAGES, ROWS, STARTS, connect, declared, look, paged
from servers.web import Asked, Reply, Serving

from connectors import open_connector
from dsar.declaration import parse_declaration

# ------------------------------------------------------------------------------------------------------------ logins


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


@dataclass(frozen=True)
class Always:
    """Answers every request alike."""

    body: object

    def __call__(self, _: Asked) -> Reply:
        return Reply(body=self.body)


def test_a_token_may_belong_to_one_tenant(serving: Serving) -> None:
    """As Visma.net wants it: client credentials with a tenant_id beside them."""
    web = serving(Always({"access_token": "a1"}))
    auth = 'auth = {style = "oauth2_client", token_path = "/token", parameters = {tenant_id = "7"}}'

    connect(web, http=f"{FAST}, {auth}", client_id="c", client_secret="s").health()

    assert web.asked[0].form == {
        "grant_type": "client_credentials",
        "client_id": "c",
        "client_secret": "s",
        "tenant_id": "7",
    }


@pytest.mark.parametrize("style", ["oauth2_client", "oauth2_refresh"])
def test_an_oauth_token_is_fetched_once_and_again_when_it_has_run_out(
    serving: Serving,
    style: str,
    tmp_path: Path,
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
        assert json.loads((tmp_path / "token").read_text())[1] == "r2"
        assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_two_processes_never_use_one_refresh_token_twice(serving: Serving, tmp_path: Path) -> None:
    """A server that sees a token again may forget who had it (RFC 6749 section 10.4)."""
    asked_with: list[str] = []

    def answer(asked: Asked) -> Reply:
        if asked.path != "/api/token":
            return Reply(body=[BO])
        asked_with.append(asked.form["refresh_token"])
        return Reply(body={"access_token": "a", "refresh_token": f"r{len(asked_with)}"})

    options = {"client_id": "c", "client_secret": "s", "refresh_token": "r0"}
    options |= {"renewed_token_path": str(tmp_path / "token")}
    http = f'{FAST}, auth = {{style = "oauth2_refresh", token_path = "/token"}}'
    api = serving(answer)
    shops = [connect(api, http=http, **options) for _ in range(6)]
    with ThreadPoolExecutor(len(shops)) as processes:
        list(processes.map(look, shops))

    assert sorted(asked_with) == [f"r{number}" for number in range(6)]


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
            'style = "body_link", next = "links.next"',  # as Zendesk (links.next) and Graph (@odata.nextLink) do
            lambda at: Reply(
                body={
                    "items": ROWS[int(at.query.get("at", 0)) :][:2],
                    "links": {"next": (after := STARTS[at.query.get("at")]) and f"/api/customers?at={after}"},
                }
            ),
        ),
        (
            'style = "page", more = "more"',
            lambda at: Reply(
                body={"items": ROWS[2 * int(at.query["page"]) - 2 :][:2], "more": int(at.query["page"]) < 3}
            ),
        ),
    ],
    ids=["offset", "cursor", "link_header", "body_link", "more"],
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
    for body in ({"id": 7, "state": "error"}, {"id": 7, "state": "running"}):
        web = serving(Always(body))
        job = 'number = "id", path = "/exports/{job}", status = "state", done = ["done"], failed = ["error"], every_seconds = 0.01, within_seconds = 0.05'  # noqa: E501

        (shop,) = look(connect(web, request=f'path = "/exports", method = "POST", job = {{{job}}}')).systems

        assert shop.outcome.value == "failed"


def test_a_job_may_be_named_by_the_location_header_alone(serving: Serving) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/api/exports":
            return Reply(status=202, headers={"Location": "/api/queue/7?poll=1"})
        return Reply(body={"state": "done", "items": [BO]} if asked.target == "/api/queue/7?poll=1" else {})

    job = 'status = "state", done = ["done"], every_seconds = 0.01'
    request = f'path = "/exports", method = "POST", rows = "items", job = {{{job}}}'

    (shop,) = look(connect(serving(answer), request=request)).systems

    assert [record.key for record in shop.records] == ["K4"], shop.detail


def test_a_query_language_gets_its_json_as_base64(serving: Serving) -> None:
    """As Tryton wants it: ?d=base64url([["value","ilike",...]])"""

    web = serving(lambda _: Reply(body=[]))
    request = 'path = "/party", query = {d = {pack = [["value", "ilike", "{value:like}"]], encode = "base64url"}}'

    look(connect(web, request=request))

    assert json.loads(base64.urlsafe_b64decode(web.asked[0].query["d"] + "==")) == [
        ["value", "ilike", "bo@example.com"]
    ]


# ------------------------------------------------------------------------------------------------------------- limits


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


def soon() -> str:
    """A moment one to two seconds ahead, as seconds since 1970."""
    return str(int(time.time()) + 2)


@pytest.mark.parametrize("reset", [lambda: "1", soon], ids=["seconds", "seconds since 1970"])
def test_who_has_used_up_the_quota_waits_until_it_is_set_back(serving: Serving, reset: Callable[[], str]) -> None:
    times = []

    def answer(asked: Asked) -> Reply:
        times.append(time.time())
        reply = paged(1)(asked)
        return replace(reply, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset()})

    look(connect(serving(answer), http=PAGES))

    assert len(times) == 2
    assert times[1] - times[0] >= 0.9


def test_a_quota_that_is_left_stops_nobody(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[BO], headers={"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "3600"}))
    shop = connect(web, patience_seconds="600")

    assert [len(look(shop).systems[0].records) for _ in range(2)] == [1, 1]


def test_no_more_calls_are_made_at_once_than_the_system_bears(serving: Serving) -> None:
    """As Graph (4) and Mailchimp (10) limit it; threads of several cases meet in one connector."""
    inside: list[Asked] = []
    most = []

    def answer(asked: Asked) -> Reply:
        inside.append(asked)
        most.append(len(inside))
        time.sleep(0.05)
        inside.remove(asked)
        return Reply(body=[BO])

    shop = connect(serving(answer), http="rate = {calls = 5000, at_once = 2}")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: look(shop), range(8)))

    assert len(most) == 8
    assert max(most) <= 2


def test_more_patience_than_settings_grant_is_not_shown(serving: Serving) -> None:
    web = serving(lambda _: Reply(status=429, headers={"Retry-After": "30"}))
    began = time.monotonic()

    assert look(connect(web, patience_seconds="2")).systems[0].outcome.value == "failed"
    assert time.monotonic() - began < 20  # not half a minute
    assert len(web.asked) == 1


def test_the_declared_rate_is_kept(serving: Serving) -> None:
    web = serving(paged(5))
    http = PAGES.replace(FAST, "rate = {calls = 2, seconds = 0.5}")
    began = time.monotonic()

    look(connect(web, http=http))

    assert len(web.asked) == 6
    assert time.monotonic() - began >= 1.0  # six calls, two in each half second


def test_more_rows_than_the_system_gives_pages_for_is_a_failed_read(serving: Serving) -> None:
    web = serving(paged(11))
    capped = PAGES.replace("size = 100", "size = 100, cap = 10")

    assert "no more than 10 pages" in look(connect(web, http=capped)).systems[0].detail


def test_fewer_rows_than_the_system_says_it_has_is_a_failed_read(serving: Serving) -> None:
    web = serving(lambda asked: Reply(body={"total": 3, "items": [BO] if asked.query["page"] == "1" else []}))
    http = PAGES.replace("size = 100", 'size = 100, total = "total"')

    assert "1 of 3 rows" in look(connect(web, http=http, request=f'{BY_MAIL}, rows = "items"')).systems[0].detail


# -------------------------------------------------------------------------------------------- records inside others

INSIDE = 'inside = [{name = "box", request = {path = "/boxes"}, value = "name"}]'
IN_BOX = 'path = "/boxes/{inside.box}/customers"'


def boxes(asked: Asked) -> Reply:
    """Two boxes, of which each has a customer with the same number."""
    if asked.path.endswith("/boxes"):
        return Reply(body=[{"name": "anna"}, {"name": "bo ek"}])
    return Reply(body=[{"no": "K4", "mail": "bo@example.com"}])


def test_a_record_is_known_by_the_place_that_it_lies_in(serving: Serving) -> None:
    web = serving(boxes)

    records = look(connect(web, request=IN_BOX, more=INSIDE)).systems[0].records

    assert [record.key for record in records] == ["anna:K4", "bo ek:K4"]
    assert [asked.path.removeprefix("/api") for asked in web.asked] == [
        "/boxes",
        "/boxes/anna/customers",
        "/boxes/bo%20ek/customers",
    ]


def test_a_place_that_cannot_begin_a_key_is_a_failed_read(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[{"name": "a:b"}]))

    assert look(connect(web, request=IN_BOX, more=INSIDE)).systems[0].outcome.value == "failed"


def test_a_later_part_is_asked_for_only_where_something_was_found(serving: Serving) -> None:
    web = serving(lambda _: Reply(body=[*ROWS, {"no": "K9", "mail": "x@example.com"}][-2:]))
    part = 'parts = [{name = "history", later = true, request = {path = "/customers/{key}/history"}}]'

    look(connect(web, request='path = "/customers"', more=part))

    assert [asked.path.removeprefix("/api") for asked in web.asked] == ["/customers", "/customers/K4/history"]


def test_the_key_may_stand_in_a_part(serving: Serving) -> None:
    """As in Mailman, whose answer to an address names no address."""

    def answer(asked: Asked) -> Reply:
        return Reply(body=[{"no": "K4"}] if asked.path.endswith("/names") else [{"id": 7, "mail": "bo@example.com"}])

    part = 'parts = [{name = "names", request = {path = "/customers/{row.id}/names"}}]'
    number = '{column = "no", path = "names[0].no", label'
    text = declared(request='path = "/customers"', more=part).replace('{column = "no", label', number)
    text = text.replace(
        "fields = [", 'fields = [\n  {column = "id", label = {sv = "Id", en = "Id"}, category = "technical"},'
    )
    system = open_connector(
        "rest", name="shop", declaration=parse_declaration(text, source="x"), options={"url": serving(answer).url}
    )

    assert [record.key for record in look(system).systems[0].records] == ["K4"]
