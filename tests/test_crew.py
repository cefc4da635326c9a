"""Several workers: who lives is known by beats, one case is worked on by one of them, and the dead are replaced."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office
from sqlmodel import select

from dsar import crew, worker
from dsar.steps import STEPS
from dsar.store.tables import OutboxRow
from dsar.store.work import SUBJECTS

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
LEASE = timedelta(minutes=10)
MARIA = "Maria Öberg <maria.oberg@example.se>"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def enqueue(office: Office, *steps: tuple[str, int]) -> None:
    with office.app.store.transaction() as tx:
        for number, (step, subject_id) in enumerate(steps):
            tx.enqueue(step, subject_id, due_at=NOW + timedelta(microseconds=number))


def claim(office: Office, name: str, **known: list[str]) -> tuple[str, int] | None:
    with office.app.store.transaction() as tx:
        work = tx.claim(name, now=NOW + timedelta(seconds=1), lease=LEASE, steps=known.get("steps"))
        return (work.step, work.subject_id) if work else None


def forget_due(office: Office) -> None:
    with office.app.store.transaction() as tx:
        while (work := tx.claim("earlier", now=datetime.now(UTC) + 400 * LEASE, lease=LEASE)) is not None:
            tx.finish(work)
        tx.free_leases(["earlier"], now=datetime.now(UTC))


# ------------------------------------------------------------------------------------------------- one lock per case


def test_steps_of_one_case_go_to_one_worker(office: Office) -> None:
    """Two of them at once would each write what the other has not read."""
    enqueue(office, ("search", 7), ("documents", 7))
    assert (claim(office, "a"), claim(office, "b")) == (("search", 7), None)


def test_steps_of_different_cases_go_side_by_side(office: Office) -> None:
    enqueue(office, ("search", 7), ("search", 8))
    assert (claim(office, "a"), claim(office, "b")) == (("search", 7), ("search", 8))


def test_a_step_about_a_request_waits_for_its_case(office: Office) -> None:
    office.receive(MARIA, "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.")
    (request,) = office.requests()
    forget_due(office)
    enqueue(office, ("search", request.case_id), ("apply", request.id or 0))
    assert (claim(office, "a"), claim(office, "b")) == (("search", request.case_id), None)


def test_who_waits_for_a_case_is_not_waited_for(office: Office) -> None:
    """The next step that is due goes on, whatever stands before it."""
    enqueue(office, ("search", 7), ("documents", 7), ("search", 8))
    assert (claim(office, "a"), claim(office, "b")) == (("search", 7), ("search", 8))


def test_a_case_is_free_when_its_step_has_ended(office: Office) -> None:
    office.receive(MARIA, "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.")
    worker.run_due(office.session.tools)
    with office.app.store.transaction() as tx:
        assert tx.lease_holders() == set()


def test_every_step_says_what_it_is_about() -> None:
    """A step without a word about its case would run beside others of that case."""
    assert set(STEPS) - set(SUBJECTS) == {"sort", "notice_sms", "duty", "tell_statistics"}
    assert set(SUBJECTS) <= set(STEPS)


# ------------------------------------------------------------------------------------------------- an older program


def test_a_worker_leaves_alone_what_it_does_not_know(office: Office) -> None:
    """During an upgrade the previous version still works beside the new one."""
    enqueue(office, ("invented_later", 1), ("search", 8))
    assert claim(office, "old", steps=list(STEPS)) == ("search", 8)
    assert claim(office, "old", steps=list(STEPS)) is None


# ---------------------------------------------------------------------------------------------------- who still lives


def watched(beats: Callable[[int], dict[str, int]], *, seconds: int, every: float = crew.BEAT_SECONDS) -> list[str]:
    """Who was given up at the end of so many seconds of looking; *beats* says what stands there at each second."""
    watch, given_up = crew.Watch(), []
    for look in range(int(seconds / every) + 1):
        given_up = watch.silent(beats(int(look * every)), at=1000 + look * every)
    return given_up


def test_a_worker_whose_beats_go_up_lives() -> None:
    assert watched(lambda second: {"a": second}, seconds=60) == []


def test_a_worker_whose_beats_stand_still_is_given_up() -> None:
    assert watched(lambda second: {"a": 1, "b": second}, seconds=14) == ["a"]


def test_a_worker_whose_beats_stood_still_for_a_moment_lives() -> None:
    assert watched(lambda second: {"a": 1, "b": second}, seconds=12) == []


def test_a_worker_that_is_new_is_waited_for() -> None:
    assert watched(lambda second: {"a": 1} if second > 8 else {}, seconds=20) == []


def test_nobody_is_given_up_because_the_database_stood_still() -> None:
    """A restart of the server stops everybody's beats; they would all take from each other what they are at."""
    assert watched(lambda _second: {"a": 1}, seconds=60, every=20) == []


def test_a_clock_that_is_wrong_kills_nobody(office: Office) -> None:
    """The beats of another machine count, not the time that it writes beside them."""
    watch = crew.Watch()
    for beat in range(3):
        with office.app.store.transaction() as tx:
            tx.beat("other:1", version="1", now=NOW - timedelta(days=400, seconds=beat))
        crew.look_around(office.app, watch, now=NOW)
    with office.app.store.transaction() as tx:
        assert [each.name for each in tx.workers()] == sorted(["other:1", worker.worker_name()])


def test_what_a_worker_holds_that_beats_does_not_run_out(office: Office) -> None:
    """The clock may be put forward under it, or its machine have slept; it is missed by its beats when it dies."""
    enqueue(office, ("search", 7))
    with office.app.store.transaction() as tx:
        tx.beat("beats:1", version="1", now=NOW)
        tx.claim("beats:1", now=NOW, lease=LEASE)
        later = NOW + timedelta(days=1)
        assert tx.claim("other:1", now=later, lease=LEASE) is None
        assert not tx.take_lease("case:7", "other:1", now=later, seconds=60)
        tx.bury("beats:1", now=later)
        assert tx.claim("other:1", now=later, lease=LEASE) is not None


@pytest.mark.parametrize("lives", [True, False], ids=["it lives", "its machine is gone"])
def test_a_single_poll_frees_what_a_worker_held_that_does_not_beat(office: Office, *, lives: bool) -> None:
    """Where only 'dsar poll' runs from now on, nobody else would miss it."""

    def wait(_seconds: float) -> None:
        if lives:
            with office.app.store.transaction() as tx:
                tx.beat("far:1", version="1", now=NOW)

    enqueue(office, ("search", 7))
    with office.app.store.transaction() as tx:
        tx.beat("far:1", version="1", now=NOW)
        tx.claim("far:1", now=NOW, lease=LEASE)
    crew.bury_silent(office.app, now=NOW + LEASE * 2, wait=wait)
    with office.app.store.transaction() as tx:
        assert (tx.claim("other:1", now=NOW + LEASE * 2, lease=LEASE) is None) == lives


def test_what_a_lost_worker_held_is_due_at_once(office: Office) -> None:
    enqueue(office, ("search", 7))
    assert claim(office, "lost:1") == ("search", 7)
    with office.app.store.transaction() as tx:
        tx.beat("lost:1", version="1", now=NOW)
        assert tx.bury("lost:1", now=NOW) == 1
    assert claim(office, "other:1") == ("search", 7)


def test_what_a_worker_could_not_give_back_is_due_for_it_at_once(office: Office) -> None:
    """A database that is lost while a step ends must not leave the step to a worker that lives on."""
    forget_due(office)
    enqueue(office, ("unwrap", 7))
    with office.app.store.transaction() as tx:
        assert tx.claim(worker.worker_name(), now=datetime.now(UTC), lease=LEASE)
    assert worker.run_due(office.session.tools) == 1


def test_what_a_killed_command_of_this_host_held_is_due_within_a_beat(office: Office) -> None:
    """Staff whose line breaks in the midst of a command would keep their case from all others for ten minutes."""
    command = subprocess.Popen(["/bin/sleep", "60"])
    name = f"{socket.gethostname()}:{command.pid}"
    enqueue(office, ("search", 7))
    claim(office, name)
    crew.look_around(office.app, crew.Watch(), now=NOW)
    assert claim(office, "other") is None
    command.kill()
    command.wait()
    crew.look_around(office.app, crew.Watch(), now=NOW)
    assert claim(office, "other") == ("search", 7)


def test_who_ends_leaves_the_crew(office: Office) -> None:
    with crew.beating(office.app), office.app.store.transaction() as tx:
        assert [each.name for each in tx.workers()] == [worker.worker_name()]
    with office.app.store.transaction() as tx:
        assert tx.workers() == []


# -------------------------------------------------------------------------------------------------- what goes first


STOP = "Please stop sending me marketing e-mail."
JOHN = "John Whitfield <john.whitfield@example.com>"


def test_a_marketing_stop_goes_before_what_came_earlier(office: Office) -> None:
    """Art. 21(3) GDPR: it is to be obeyed at once, also on a day on which thousands want to be erased."""
    office.receive(JOHN, STOP)
    forget_due(office)
    enqueue(office, ("search", 7), ("search", 8), ("search", 1))
    assert [claim(office, name) for name in "abc"] == [("search", 1), ("search", 7), ("search", 8)]


def test_a_mail_that_nobody_has_read_goes_before_what_came_earlier(office: Office) -> None:
    """It may ask for a marketing stop; to read it takes a hundredth of what follows."""
    enqueue(office, ("search", 7), ("search", 8))
    with office.app.store.transaction() as tx:
        tx.enqueue_new("sort", [9], due_at=NOW)
    assert [claim(office, name) for name in "abc"] == [("sort", 9), ("search", 7), ("search", 8)]


def test_the_letter_that_confirms_a_marketing_stop_goes_before_others(office: Office) -> None:
    office.receive(
        "Åsa <asa@example.se>", "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack."
    )
    office.receive(JOHN, STOP)
    with office.app.store.transaction() as tx:
        letters = {each.case_id or 0: each.id or 0 for each in tx.session.exec(select(OutboxRow))}
    forget_due(office)
    enqueue(office, *(("dispatch", letters[case]) for case in sorted(letters)))
    assert [claim(office, name) for name in "ab"] == [("dispatch", letters[2]), ("dispatch", letters[1])]


def test_marketing_stops_keep_nobody_waiting_for_days(office: Office) -> None:
    office.receive(JOHN, STOP)
    forget_due(office)
    with office.app.store.transaction() as tx:
        tx.enqueue("search", 7, due_at=NOW - timedelta(days=2))
    enqueue(office, ("search", 1))
    assert [claim(office, name) for name in "ab"] == [("search", 7), ("search", 1)]


def test_a_reminder_that_keeps_its_day_goes_before_the_steps_of_a_flood(office: Office) -> None:
    """An ordinary case keeps its days although thousands of mails came an hour before."""
    enqueue(office, ("search", 7), ("remind", 9))
    assert [claim(office, name) for name in "ab"] == [("remind", 9), ("search", 7)]


@pytest.mark.parametrize(("days", "goes_first"), [(0, 7), (2, 1)])
def test_a_case_of_days_before_goes_before_those_of_today(office: Office, days: int, goes_first: int) -> None:
    office.receive(MARIA, "Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.")
    forget_due(office)
    with office.app.store.transaction() as tx:
        tx.case_by_id(1).opened_at = NOW - timedelta(days=days)
    enqueue(office, ("search", 7), ("search", 1))
    assert claim(office, "a") == ("search", goes_first)


def test_a_marketing_stop_goes_before_thousands_of_reminders(office: Office) -> None:
    office.receive(JOHN, STOP)
    forget_due(office)
    enqueue(office, ("remind", 7), ("remind", 8), ("search", 1))
    assert claim(office, "a") == ("search", 1)


def test_older_matters_keep_those_of_today_waiting_for_hours_at_most(office: Office) -> None:
    with office.app.store.transaction() as tx:
        tx.enqueue("search", 7, due_at=NOW - timedelta(hours=7))
    enqueue(office, ("remind", 9))
    assert claim(office, "a") == ("search", 7)
