"""A clock that leaps by months, and what lies there then: noise, a closed case, a duty that is due years later."""

import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from databases import Server
from servers import DovecotServer, TlsFiles

from . import reader
from .laboratory import Laboratory
from .place import ALARMS, Look, Place, open_place

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("faults")]

_FAR = timedelta(days=9 * 366)  #: Past the end of what the law on accounts keeps.
#: They write before it.
_FIRST = {"erase", "noise"}
_SECONDS = 120


#: One in every run, both in `make test-hard`.
_DATABASES = ["sqlite", "postgresql"] if os.environ.get("FAULTS_HARD") else ["sqlite"]


@pytest.fixture(params=_DATABASES)
def lab(
    request: pytest.FixtureRequest, dovecot_server: DovecotServer, tls_files: TlsFiles, postgresql: Server
) -> Iterator[Laboratory]:
    """The first request is answered: its person is erased, but for a bill that the law keeps."""
    look = Look(database=request.param, tls=True, epoch="today", workers=1, people=12)
    server = postgresql if look.database == "postgresql" else None
    with tempfile.TemporaryDirectory(prefix="dsar-faults-", ignore_cleanup_errors=True) as made:
        own = Path(made) / "leap"
        own.mkdir()
        with open_place(
            own, dovecot_server, tls_files, look=look, dice=random.Random(5), postgresql=server, hit=lambda _name: None
        ) as place:
            opened = Laboratory(place, random.Random(5), postgresql=server, steps=(), faults=Counter())
            try:
                for person in place.people:
                    if person.wish in _FIRST:
                        place.deliver_from(person)
                with running(place):
                    opened.finish()
                yield opened
            finally:
                opened.close()


@contextmanager
def running(place: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """`dsar run`, killed at the end of the block."""
    with (place.folder.parent / "log").open("ab") as log:
        arguments = ("--settings", str(place.settings), "run", "--interval", "1")
        process = place.start("-m", "faults.dying", *arguments, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


def wait_for(condition: Callable[[], object], *, meanwhile: Callable[[], object] = lambda: None) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(1)
        meanwhile()


def held(place: Place) -> dict[str, int]:
    """What retention or a duty could take away."""
    counts = {table: count(place, f"SELECT count(*) AS many FROM {table}") for table in ("raw_content", "letter")}  # noqa: S608  # names are ours
    (bills,) = place.bills_kept()
    return {**counts, "bills": bills, "mails": place.dovecot.count(place.user, "DSAR-Done")}


def count(place: Place, query: str) -> int:
    return int(str(reader.rows(place.folder, place.databases.url, query)[0]["many"]))


def is_alarmed(place: Place) -> bool:
    return any(ALARMS in mail.recipients and b"clock has leapt" in mail.content for mail in place.smtp.taken)


def leap(lab: Laboratory) -> None:
    """The clock leaps; others write; the program works on by it until it has told staff, and is killed."""
    lab.place.leap(_FAR)
    for person in lab.place.people:
        if person.wish not in {*_FIRST, "silent"}:
            lab.place.deliver_from(person)
    with running(lab.place):
        wait_for(lambda: is_alarmed(lab.place))


def test_nothing_is_erased_by_a_clock_that_leapt_and_all_goes_on_once_it_is_right(lab: Laboratory) -> None:
    before = held(lab.place)
    leap(lab)
    after = held(lab.place)
    lab.place.leap(timedelta())
    with running(lab.place):
        lab.finish()
    assert {name: after[name] - before[name] for name in before if after[name] < before[name]} == {}
    assert before["bills"] == 1
    assert lab.judged() == []


def test_what_was_due_is_erased_once_a_person_says_that_the_clock_is_right(lab: Laboratory) -> None:
    leap(lab)
    with running(lab.place):
        lab.clerk.do("check", "--clock-is-right")
        noise = "SELECT count(*) AS many FROM event WHERE name = 'purged'"
        wait_for(
            lambda: count(lab.place, noise) and held(lab.place)["bills"] == 0,
            meanwhile=lambda: lab.jump(timedelta(minutes=65)),
        )
