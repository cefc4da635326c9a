"""What a connected system says never makes the program speak to anybody else (server-side request forgery)."""

import pytest
from api import BO, BY_MAIL, FAST, connect, look
from servers.web import Reply, Serving

#: As a system could write the next page; {evil} is HOST:PORT of another server on this machine.
LINKS = [
    "http://{evil}/x",
    "//{evil}/x",
    "http://shop.example@{evil}/x",
    "http://{evil}#@shop.example/x",
    "http://[::ffff:169.254.169.254]/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "file:///etc/passwd",
    "gopher://{evil}/_x",
    "ftp://{evil}/x",
    "data:application/json,[]",
    "javascript:alert(1)",
    "http://{evil}\r\nX-Injected: 1",
    "http://:0/",
]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("style", ['style = "link_header"', 'style = "body_link", next = "next"'])
def test_a_next_page_elsewhere_is_not_asked_for(serving: Serving, style: str, link: str) -> None:
    evil = serving(lambda _: Reply(body={"items": []}))
    told = link.format(evil=evil.url.removeprefix("http://").partition("/")[0])
    headers = {} if "\r" in told else {"Link": f'<{told}>; rel="next"'}
    web = serving(lambda _: Reply(body={"items": [BO], "next": told}, headers=headers))
    shop = connect(web, http=f"{FAST}, paging = {{{style}}}", request=f'{BY_MAIL}, rows = "items"')

    (told_of_shop,) = look(shop).systems

    assert evil.asked == []
    assert len(web.asked) == 1
    if headers or "body" in style:  # no header can hold a line break
        assert told_of_shop.outcome.value == "failed"


def test_the_job_that_a_system_begins_is_not_looked_for_elsewhere(serving: Serving) -> None:
    evil = serving(lambda _: Reply(body={"status": "done"}))
    web = serving(lambda _: Reply(status=202, body={}, headers={"Location": f"{evil.url}/job/7"}))
    job = 'job = {status = "status", done = ["done"], path = "/job", result = "/result"}'

    look(connect(web, request=f"{BY_MAIL}, {job}"))

    assert (len(web.asked), evil.asked) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_server_that_sends_elsewhere_is_not_followed(serving: Serving, status: int) -> None:
    """With 307 and 308 the client's secret would go along."""
    evil = serving(lambda _: Reply(body={"access_token": "stolen"}))
    web = serving(lambda _: Reply(status=status, headers={"Location": f"{evil.url}/token"}))
    http = f'{FAST}, auth = {{style = "oauth2_client", token_path = "/token"}}'

    (shop,) = look(connect(web, http=http, client_id="c", client_secret="s")).systems

    assert shop.outcome.value == "failed"
    assert (len(web.asked), evil.asked) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_api_that_sends_elsewhere_is_not_followed(serving: Serving, status: int) -> None:
    evil = serving(lambda _: Reply(body=[BO]))
    web = serving(lambda _: Reply(status=status, headers={"Location": f"{evil.url}/customers"}))

    (shop,) = look(connect(web)).systems

    assert shop.outcome.value == "failed"
    assert evil.asked == []
