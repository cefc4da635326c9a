"""A mail is read in a child process that may neither hold nor harm the worker."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import open_office

from dsar.casework import intake, views
from dsar.errors import MalformedMailError, ReaderLostError, ReaderUnavailableError
from dsar.guard import Guard, Limits, Readers
from dsar.mime import read_mail

ATTACHED = b"""From: Anna Ek <anna@example.se>
Message-ID: <1@example.se>
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Beg\xc3\xa4ran
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=one.bin
Content-Transfer-Encoding: base64

AAEC/w==
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=none.bin

--b--
"""
HEAD = b"From: anna@example.se\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
_PAGE = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<b>" * 600_000 + b"\r\n"
#: Four pages, each with 600,000 open elements, take the HTML reader several seconds; a limit of one may let two pass.
SLOW = HEAD + 4 * _PAGE + b"--b--\r\n"
SHORT = b"From: anna@example.se\n\nhej"


def children() -> set[int]:
    """Process ids of the living children of this process."""
    mine = Path(f"/proc/{os.getpid()}/task")
    return {int(child) for task in mine.iterdir() for child in (task / "children").read_text().split()}


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard(Limits(cpu_seconds=1, wall_seconds=20))
    yield guard
    guard.close()


@pytest.fixture
def reader(guard: Guard) -> int:
    """Process id of the child of `guard`."""
    before = children()
    guard.read_mail(SHORT, own_domain="xelent.se")
    (child,) = children() - before
    return child


@pytest.mark.parametrize("content", [ATTACHED, SHORT, b"From: =?utf-8?q?=C3=85sa?= <asa@example.se>\n\n\xff\x00"])
def test_guarded_mail_is_the_mail(guard: Guard, content: bytes) -> None:
    """Every field comes back as it is, with the bytes of each attachment."""
    assert guard.read_mail(content, own_domain="xelent.se") == read_mail(content)


def test_malformed_mail_is_told_as_in_process(guard: Guard) -> None:
    with pytest.raises(MalformedMailError, match="it is empty"):
        guard.read_mail(b"", own_domain="xelent.se")


def test_one_child_reads_many_mails(guard: Guard, reader: int) -> None:
    for _ in range(20):
        guard.read_mail(SHORT, own_domain="xelent.se")

    assert reader in children()


def test_endless_reading_is_stopped(guard: Guard) -> None:
    """RLIMIT_CPU ends it; the next mail is read by a new child."""
    with pytest.raises(ReaderLostError, match="took too long"):
        guard.read_mail(SLOW, own_domain="xelent.se")

    assert guard.read_mail(SHORT, own_domain="xelent.se").text == "hej"


def test_processor_time_counts_for_each_mail_alone(guard: Guard) -> None:
    """A child may read mails for hours; only one mail may not."""
    third_of_a_second = b"From: anna@example.se\nContent-Type: text/html\n\n" + b"<b>x</b>" * 30_000

    for _ in range(9):
        assert guard.read_mail(third_of_a_second, own_domain="xelent.se").text.startswith("xxx")


def test_reader_that_waits_is_stopped() -> None:
    """Time on the clock is limited, too."""
    patient = Guard(Limits(wall_seconds=3))
    before = children()
    patient.read_mail(SHORT, own_domain="xelent.se")
    (child,) = children() - before
    os.kill(child, signal.SIGSTOP)

    begun = time.monotonic()
    with pytest.raises(ReaderLostError, match="took too long"):
        patient.read_mail(SHORT, own_domain="xelent.se")

    assert time.monotonic() - begun < 10
    patient.close()


def test_hungry_reading_is_stopped() -> None:
    """RLIMIT_AS: the memory of the machine is not for one mail."""
    small = Guard(Limits(memory_bytes=300_000_000))

    with pytest.raises(ReaderLostError, match="died"):
        small.read_mail(SHORT + b"x" * 100_000_000, own_domain="xelent.se")

    assert small.read_mail(SHORT, own_domain="xelent.se").text == "hej"
    small.close()


def test_child_killed_by_others_is_replaced(guard: Guard, reader: int) -> None:
    """An innocent mail is not set aside because somebody killed the child."""
    os.kill(reader, signal.SIGKILL)

    assert guard.read_mail(SHORT, own_domain="xelent.se").text == "hej"


def test_child_sees_nothing_of_our_environment(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The master key may stand in the environment."""
    monkeypatch.setenv("DSAR_VAULT_MASTER_KEY", "secret")
    before = children()
    guard.read_mail(SHORT, own_domain="xelent.se")
    (child,) = children() - before

    assert b"secret" not in Path(f"/proc/{child}/environ").read_bytes()


def test_child_ends_with_its_parent(guard: Guard, reader: int) -> None:
    guard.close()

    assert reader not in children()


def test_reader_that_does_not_start_blames_no_mail(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged installation must not set aside every mail; the step is tried again later."""
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(ReaderUnavailableError):
        guard.read_mail(SHORT, own_domain="xelent.se")


def test_large_mail_comes_back_whole(guard: Guard) -> None:
    """And its memory is given back: the next mail has another reader."""
    part = b"Content-Type: application/zlib\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    content = HEAD + b"--b\r\n" + part + (b"QUJD" * 19 + b"\r\n") * 120_000 + b"--b--"
    first = children()

    assert len(guard.read_mail(content, own_domain="xelent.se").attachments[0].content) == 120_000 * 57
    assert children() == first


def test_mail_that_breaks_the_limits_waits_for_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is set aside, shown in the queue, and its bytes are kept as they came."""
    monkeypatch.setattr("dsar.guard._SHARED", Readers(Limits(cpu_seconds=1)))
    with open_office(tmp_path) as office:
        message = office.take(SLOW)

        (line,) = views.queue(office.app, now=datetime.now(UTC))
        assert (line.reference, line.state) == (f"M-{message.id}", "quarantine")
        assert message.last_error == "ReaderLostError"
        assert intake.raw_content(office.app, message) == SLOW


def test_threads_get_each_their_own_mail(guard: Guard) -> None:
    found: dict[int, str] = {}

    def read(number: int) -> None:
        found[number] = guard.read_mail(SHORT + b"%d" % number, own_domain="xelent.se").text

    threads = [threading.Thread(target=read, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {number: f"hej{number}" for number in range(20)}
