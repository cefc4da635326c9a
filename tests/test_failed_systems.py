"""A web API that fails, by command line: coverage says so, nothing is approved, and it alone is asked again."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from office import open_office
from servers.web import Asked, Reply, Serving

from dsar.casework import searching
from dsar.cli import main
from dsar.errors import SystemUnavailableError
from dsar.lifecycle import State

REQUEST = "Please send me a copy of all personal data you hold about me.\n\nJohn Whitfield\n"
ROW = {"no": "T-1", "mail": "john.whitfield@example.com"}
DECLARATION = """
name = "desk"
kind = "rest"
label = {sv = "Ärenden", en = "Tickets"}
http = {rate = {calls = 500}, paging = {style = "page", param = "page"}}
[[object]]
name = "ticket"
label = {sv = "Ärende", en = "Ticket"}
key = "no"
activities = ["A4"]
find = [{by = "email", columns = ["mail"], request = {path = "/tickets", query = {mail = "{value}"}}}]
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "order", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
]
"""


def whole(asked: Asked) -> Reply:
    return Reply(body=[ROW] if asked.query["page"] == "1" else [])


def second_page_fails(asked: Asked) -> Reply:
    return whole(asked) if asked.query["page"] == "1" else Reply(status=500)


FAULTS: dict[str, Callable[[Asked], Reply]] = {
    "401": lambda _: Reply(status=401),
    "429": lambda _: Reply(status=429, headers={"Retry-After": "3600"}),
    "500": lambda _: Reply(status=500),
    "log-in page": lambda _: Reply(body=b"<html>Log in", headers={"Content-Type": "text/html"}),
    "truncated": lambda _: Reply(body=b'[{"no": "T-1", "mail": "john'),
    "page 2": second_page_fails,
    "timeout": lambda _: Reply(never=True),
}


@dataclass
class Desk:
    """Answers with *answer*, which a test replaces when the system is mended."""

    answer: Callable[[Asked], Reply]

    def __call__(self, asked: Asked) -> Reply:
        return self.answer(asked)


def run(folder: Path, *arguments: str, actor: str = "anna") -> Result:
    return CliRunner(env={"DSAR_ACTOR": actor}).invoke(main, ["--settings", str(folder / "settings.ini"), *arguments])


def outcomes(folder: Path) -> dict[str, str]:
    first = run(folder, "show", "D-2026-00001", "--data", "--json").stdout.splitlines()[0]
    return {each["system"]: each["outcome"] for each in json.loads(first)["systems"]}


@pytest.mark.parametrize("fault", FAULTS)
def test_only_the_system_that_failed_is_asked_again(tmp_path: Path, serving: Serving, fault: str) -> None:
    desk = Desk(whole)
    web = serving(desk)
    (tmp_path / "desk.toml").write_text(DECLARATION, "utf-8")
    section = f"connector = rest\ndeclaration = desk.toml\nurl = {web.url}\ntimeout_seconds = 1\npatience_seconds = 1"
    with open_office(tmp_path, more={"system.desk": section}) as office:
        office.receive("John Whitfield <john.whitfield@example.com>", REQUEST)
        office.session.run_due()
        desk.answer = FAULTS[fault]
        office.force(office.requests()[0], state=State.SEARCHING)
        with pytest.raises(SystemUnavailableError):  # the worker tries again, and at last a person is asked
            searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC))
        searching.collect(office.app, 1, attempt=searching.TRIES, now=datetime.now(UTC))
    (tmp_path / "settings.ini").chmod(0o600)

    assert outcomes(tmp_path) == {"webshop": "found", "business": "found", "desk": "failed"}
    run(tmp_path, "show", "D-2026-00001/access", "--letter", actor="bo")
    refused = run(tmp_path, "approve", "D-2026-00001", actor="bo")
    assert (refused.exit_code, "desk" in refused.output) == (1, True), refused.output

    desk.answer = whole
    for name in ("webshop", "business"):
        (tmp_path / "data" / f"{name}.db").rename(tmp_path / "data" / f"{name}.away")  # whoever asked them would fail
    again = run(tmp_path, "decide", "D-2026-00001", "--search-failed")

    assert again.exit_code == 0, again.output
    assert outcomes(tmp_path) == {"webshop": "found", "business": "found", "desk": "found"}
