"""Changes that a product ends later: after kill -9 the same job is asked about, and the product is not asked anew."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from office import Office, open_office
from servers.web import Asked, Reply, Web, serve

from dsar.casework import changing, duties, fulfilling, replaying
from dsar.casework.context import App
from dsar.lifecycle import State
from dsar.store.tables import Duty
from dsar.wiring import open_session

SENDER = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
#: The first working day after the bookings of 2025 may go.
LATE = datetime(2033, 1, 3, 12, tzinfo=UTC)

OBJECT = """
[[object]]
name = "{name}"
label = {{sv = "{name}", en = "{name}"}}
key = "no"
activities = ["A1"]
fields = [
  {{column = "no", label = {{sv = "Nummer", en = "Number"}}, category = "order", asserted_by = "company"}},
  {{column = "mail", label = {{sv = "E-post", en = "E-mail"}}, category = "contact", asserted_by = "company"}},
  {{column = "day", label = {{sv = "Dag", en = "Day"}}, category = "order", asserted_by = "company"}},
]
find = [{{by = "email", columns = ["mail"], request = {{path = "/{name}"}}}}]
erase = {{action = "delete"}}
web.read = {{path = "/{name}/{{key}}", nothing = [404]}}
{more}
[[object.web.remove]]
method = "DELETE"
path = "/{name}/{{key}}"
job = {{path = "/jobs", status = "state", done = ["done"], failed = ["failed"], every_seconds = 0.01}}
"""
KEPT = (
    'keep = {rule = "bookkeeping", column = "day", law = {sv = "bokföringslagen 7 kap. 2 §", en = "Bookkeeping Act"}}'
)
DECLARATION = (
    'name = "club"\nkind = "rest"\nlabel = {sv = "Klubben", en = "The club"}\n'
    'canary = {type = "email", value = "kanarie@example.com"}\nhttp = {rate = {calls = 5000}}\n'
    + OBJECT.format(name="member", more="")
    + OBJECT.format(name="booking", more=KEPT)
)


class Club:
    """A product that removes what it is asked to remove some time later, and names the job by a link."""

    def __init__(self) -> None:
        row = {"mail": "john.whitfield@example.com", "day": "2025-03-01"}
        self.rows: dict[str, dict[str, dict[str, str]]] = {"member": {"7": {"no": "7", **row}}, "booking": {}}
        self.begun: list[str] = []  #: What it was asked to remove, every time that it was.
        self.polled = threading.Event()
        self.is_ready = False
        self.forgets = False

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/jobs":
            return self._job(asked.query["of"])
        kind, _, key = asked.path.removeprefix("/api/").partition("/")
        if asked.method == "DELETE":
            self.begun.append(key)
            return Reply(status=202, body={}, headers={"Location": f"/api/jobs?of={kind}:{key}"})
        if not key:
            return Reply(body=list(self.rows[kind].values()))
        row = self.rows[kind].get(key)
        return Reply(body=row) if row else Reply(status=404, body={})

    def _job(self, of: str) -> Reply:
        self.polled.set()
        if not self.is_ready:
            return Reply(body={"state": "running"})
        kind, _, key = of.partition(":")
        self.rows[kind].pop(key, None)
        return Reply(status=404, body={}) if self.forgets else Reply(body={"state": "done"})


@pytest.fixture
def club() -> Club:
    return Club()


@pytest.fixture
def web(club: Club) -> Iterator[Web]:
    with serve(club.answer) as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, web: Web) -> Iterator[Office]:
    declaration = tmp_path / "club.toml"
    declaration.write_text(DECLARATION, "utf-8")
    lines = f"connector = rest\ndeclaration = {declaration}\nurl = {web.url}\nchanges = on"
    with open_office(tmp_path, more={"system.club": lines}) as opened:
        yield opened


def killed_while_the_club_works(office: Office, club: Club, work: Any) -> None:
    """Do *work* in a process that gets SIGKILL once the club was asked how far its job is."""
    club.polled.clear()
    child = os.fork()
    if child == 0:
        with open_session(office.app.settings.file) as session:
            work(session.app)
        os._exit(0)
    assert club.polled.wait(60)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def approved(office: Office) -> int:
    """An approved erasure of John, of which nothing has been done yet; the id of its request."""
    request = office.approved(SENDER, ERASE, now=NOW)
    assert request.state == State.APPLYING
    return request.id or 0


@pytest.mark.sqlite_file
def test_after_a_kill_the_same_job_is_asked_about_and_the_product_is_not_asked_anew(office: Office, club: Club) -> None:
    request_id = approved(office)
    killed_while_the_club_works(office, club, lambda app: changing.apply(app, request_id, now=NOW))
    club.is_ready = True

    changing.apply(office.app, request_id, now=NOW)

    assert (club.begun, club.rows["member"]) == (["7"], {})
    assert office.requests()[0].state == State.DISPATCHING


@pytest.mark.sqlite_file
def test_a_job_that_the_product_has_ended_and_forgotten_is_read_back(office: Office, club: Club) -> None:
    request_id = approved(office)
    killed_while_the_club_works(office, club, lambda app: changing.apply(app, request_id, now=NOW))
    club.is_ready = club.forgets = True

    changing.apply(office.app, request_id, now=NOW)

    assert (club.begun, club.rows["member"]) == (["7"], {})
    assert office.requests()[0].state == State.DISPATCHING


@pytest.mark.sqlite_file
def test_a_job_may_be_as_personal_as_its_record_and_is_sealed_while_it_lasts(office: Office, club: Club) -> None:
    request_id = approved(office)
    killed_while_the_club_works(office, club, lambda app: changing.apply(app, request_id, now=NOW))
    with office.app.store.transaction() as tx:
        (plan,) = tx.plans_of(request_id)
        (sealed,) = [entry.sealed_jobs for entry in tx.ledger(plan.id or 0).values() if entry.sealed_jobs]
    assert b"member:7" not in sealed
    club.is_ready = True

    changing.apply(office.app, request_id, now=NOW)

    with office.app.store.transaction() as tx:
        assert [entry.sealed_jobs for entry in tx.ledger(plan.id or 0).values() if entry.sealed_jobs] == []


def replayed(app: App) -> list[replaying.Replayed]:
    return replaying.replay(app, since=LATE.date(), system="club", dry_run=False, actor="bo", now=LATE)


def owed(office: Office, kind: str) -> Duty:
    with office.app.store.transaction() as tx:
        rows = [*tx.open_duties(), *tx.not_to_restore(since=NOW.date())]
    return next(row for row in rows if row.kind == kind and row.object == "booking")


@pytest.mark.sqlite_file
def test_so_is_it_when_kept_data_go_on_their_day_and_when_a_backup_brought_them_back(
    office: Office, club: Club
) -> None:
    booking = {"no": "9", "mail": "john.whitfield@example.com", "day": "2025-03-01"}
    club.rows["booking"]["9"] = booking
    club.is_ready = True
    changing.apply(office.app, approved(office), now=NOW)
    club.is_ready, club.begun = False, []
    later = owed(office, "erase_later").id or 0
    killed_while_the_club_works(office, club, lambda app: fulfilling.perform(app, later, now=LATE))
    club.is_ready = True

    fulfilling.perform(office.app, later, now=LATE)

    assert (club.begun, club.rows["booking"]) == (["9"], {})
    assert later not in {each.number for each in duties.open_duties(office.app)}

    club.rows["booking"]["9"] = booking
    club.is_ready, club.begun = False, []
    killed_while_the_club_works(office, club, replayed)
    club.is_ready = True

    (told,) = replayed(office.app)

    assert (club.begun, club.rows["booking"], told.result) == (["9"], {}, "done again")
