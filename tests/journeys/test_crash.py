"""Killed anywhere, the program goes on: nothing lost (P1), nothing sent twice (P2), and it says what it cannot know."""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from email import message_from_bytes
from pathlib import Path

import pytest
from servers import DovecotServer, Fault, SmtpSink, TlsFiles

from .company import Company
from .quick import QuickCompany
from .test_access import REQUEST

pytestmark = pytest.mark.journey

MARIA = "Maria Öberg <maria.oberg@example.se>"


# ------------------------------------------------------------------------------------------------------------ tools


class Sink(SmtpSink):
    """A mail server that can stop after it has stored a mail, before it says so."""

    def __init__(self, tls: TlsFiles) -> None:
        super().__init__(tls, deliver=self._stored)
        self.hang = False
        self.hanging = threading.Event()
        self.go_on = threading.Event()
        self.file_copy: Callable[[bytes], None] | None = None  #: What a provider does that files sent mail itself.

    def _stored(self, content: bytes, recipient: str) -> None:
        if self.file_copy:
            self.file_copy(content)
        if self.hang:
            self.hanging.set()
            self.go_on.wait(20)


@pytest.fixture
def sink(tls_files: TlsFiles) -> Iterator[Sink]:
    with Sink(tls_files) as running:
        yield running
        running.go_on.set()


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, sink: Sink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, sink, mail_user)


def start(company: Company, *arguments: str) -> subprocess.Popen[bytes]:
    """Begin a command in a process that can be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "dsar", "--settings", str(company.settings), *arguments],
        env={**os.environ, "DSAR_ACTOR": "bo"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    assert process.poll() is None, "the command ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


def ask_and_show(company: Company) -> str:
    """An access request whose letter somebody has looked at; returns CASE/RIGHT."""
    company.write(MARIA, REQUEST)
    company.ok("poll")
    (waiting,) = company.queue()
    reference: str = waiting["reference"]
    company.ok("show", reference, "--letter", actor="bo")
    return reference


# ------------------------------------------------------------------------------------------------- killed at random


def test_sixty_mails_survive_a_program_that_is_killed_again_and_again(company: Company, sink: Sink) -> None:
    """Every mail is stored once, moved once and acknowledged once; where nobody can know, a person is asked."""
    settings = company.settings.read_text("utf-8")
    company.settings.write_text(settings.replace("[automatic]", "[automatic]\nidentity_check = off"), "utf-8")
    for number in range(60):
        company.write(f"p{number}@example.se", REQUEST.replace("Maria Öberg", f"Person {number}"))
    dice, kills = random.Random(7), 0
    while True:
        process = start(company, "poll")
        if kills == 4:  # a mail that was being sorted at five deaths is set aside for a person instead
            assert process.wait(180) == 0
            break
        with suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.8, 1.6))
        if process.poll() is None:
            kill(process)
            kills += 1

    assert company.rows("SELECT count(*), count(DISTINCT sha256) FROM message") == [(60, 60)]
    assert (company.mailbox_count("INBOX"), company.mailbox_count("DSAR-Done")) == (0, 60)
    assert company.rows("SELECT count(*), count(DISTINCT reference) FROM case_file") == [(60, 60)]
    for case in {line["reference"].partition("/")[0] for line in company.queue() if line["state"] == "uncertain"}:
        company.ok("release", case, "--sent" if taken(sink)[case] else "--resend", actor="bo")
    assert set(taken(sink).values()) == {1}, "nobody got two acknowledgements"
    assert len(taken(sink)) == 60, "nobody got none"
    assert company.rows("SELECT state, count(*) FROM outbox GROUP BY state") == [("sent", 60)]
    company.ok("audit", "verify")


def mails(sink: SmtpSink) -> list[dict[str, str]]:
    return [dict(message_from_bytes(mail.content)) for mail in sink.taken]


def taken(sink: SmtpSink) -> Counter[str]:
    """{case: number of mails that the mail server took}."""
    return Counter(mail["Subject"].split()[-1] for mail in mails(sink))


# ---------------------------------------------------------------------------------------------- killed during intake


class Gate:
    """A door between the program and the IMAP server that stops at one command of the program."""

    def __init__(self, port: int, stop_at: bytes, *, pass_on: bool) -> None:
        """Args: pass_on: the server gets the command, and its answer is held back."""
        self.reached = threading.Event()
        self._port, self._stop_at, self._pass_on = port, stop_at, pass_on
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            client, _ = self._listener.accept()
            server = socket.create_connection(("127.0.0.1", self._port))
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
            while data := client.recv(65536):
                stop = self._stop_at in data
                if not stop or self._pass_on:
                    server.sendall(data)
                if stop:
                    time.sleep(0.1)
                    self.reached.set()
                    return

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if self._stop_at.lower() in data.lower() and b"OK" in data and b"CAPABILITY" not in data:
                    return
                client.sendall(data)


@pytest.mark.parametrize("moved", [False, True])
def test_killed_between_storing_and_moving_a_mail(company: Company, moved: bool) -> None:  # noqa: FBT001
    """Whether the server had moved it or not, it is stored once, handled once, and lies in the done folder."""
    company.write(MARIA, REQUEST)
    gate = Gate(company.dovecot.imap_port, b"MOVE", pass_on=moved)
    settings = company.settings.read_text("utf-8")
    account = company.dovecot.account(company.user)
    company.settings.write_text(
        settings.replace(f"port = {account.port}", f"port = {gate.port}").replace(
            "security = tls\nuser", "security = plain\nuser"
        ),
        "utf-8",
    )
    process = start(company, "poll")
    assert gate.reached.wait(20)
    kill(process)
    gate.close()
    company.settings.write_text(settings, "utf-8")
    assert company.rows("SELECT count(*) FROM message") == [(1,)]
    assert company.mailbox_count("INBOX") == (0 if moved else 1)

    company.ok("poll")

    assert (company.mailbox_count("INBOX"), company.mailbox_count("DSAR-Done")) == (0, 1)
    assert company.rows("SELECT count(*) FROM message") == [(1,)]
    assert len(company.queue()) == 1
    assert company.rows("SELECT count(*) FROM sighting WHERE moved_at IS NULL") == [(0,)]


def test_mails_that_somebody_moves_back_are_seen_again_and_handled_once(company: Company, sink: Sink) -> None:
    """Also when the server has numbered its mails anew meanwhile."""
    company.write(MARIA, REQUEST)
    company.write("olle@example.se", REQUEST.replace("Maria Öberg", "Olle Ek"))
    company.ok("poll")
    sent = len(sink.taken)
    move_back(company)
    company.ok("poll")
    move_back(company)
    company.dovecot.renumber(company.user)
    company.ok("poll")

    assert company.rows("SELECT count(*) FROM message") == [(2,)]
    assert company.rows("SELECT count(*) FROM case_file") == [(2,)]
    assert company.rows("SELECT count(*), count(DISTINCT uid_validity) FROM sighting") == [(6, 2)]
    assert company.mailbox_count("INBOX") == 0
    assert len(sink.taken) == sent, "nobody is written to again"


def move_back(company: Company) -> None:
    with company.dovecot.session(company.user) as session:
        session.select("DSAR-Done")
        answer, _ = session.uid("MOVE", "1:*", "INBOX")
        assert answer == "OK"


# ---------------------------------------------------------------------------------------------- killed during search


def test_killed_while_a_system_is_searched(company: Company) -> None:
    """The step of the dead process is taken over, and one result counts."""
    company.write(MARIA, REQUEST)
    with closing(sqlite3.connect(company.data / "business.db", isolation_level=None)) as busy:
        busy.execute("BEGIN EXCLUSIVE")
        process = start(company, "poll")
        wait_for(lambda: company.rows("SELECT 1 FROM work WHERE worker != '' AND step != 'sort'"))
        time.sleep(0.1)
        kill(process)

    company.ok("poll")

    (waiting,) = company.queue()
    assert (waiting["waits_for"], waiting["blockers"]) == ("person: approve", [])
    assert company.ok("work").out == "Nothing is due.\n"


def test_a_mail_that_kills_the_program_again_and_again_goes_before_a_person(company: Company) -> None:
    """It must not stand in the way of all others for ever."""
    company.write(MARIA, REQUEST)
    company.ok("poll")
    company.rows("UPDATE message SET status = 'new', disposition = NULL, case_id = NULL")
    company.rows("DELETE FROM case_message")
    company.rows(
        "INSERT INTO work (step, subject_id, due_at, worker, attempts, last_error)"
        " VALUES ('sort', 1, '2026-11-01 00:00:00.000000', '', 6, '')"
    )

    company.ok("poll")

    assert [line["state"] for line in company.queue() if line["reference"] == "M-1"] == ["quarantine"]


# -------------------------------------------------------------------------------------------- killed during dispatch


def test_killed_after_the_server_took_the_letter_and_before_it_said_so(company: Company, sink: Sink) -> None:
    """Nobody can know, so nothing is sent again; the queue asks a person, whose word settles it."""
    reference = ask_and_show(company)
    sink.hang = True
    process = start(company, "approve", reference)
    assert sink.hanging.wait(20)
    kill(process)
    sink.hang = False
    sink.go_on.set()
    company.ok("poll")
    company.ok("poll")
    (waiting,) = company.queue()
    assert (waiting["waits_for"], waiting["blockers"]) == ("person: release", ["uncertain"])

    company.ok("release", reference.partition("/")[0], "--sent", actor="bo")

    assert company.undone() == []
    assert taken(sink)[reference.partition("/")[0]] == 2, "the acknowledgement and the answer"


def test_a_letter_that_the_server_lost_is_sent_again_unchanged_on_a_persons_word(company: Company, sink: Sink) -> None:
    reference = ask_and_show(company)
    sink.faults.append(Fault.CUT_BEFORE_STORING)
    company.ok("approve", reference, actor="bo")
    (waiting,) = company.queue()
    assert waiting["blockers"] == ["uncertain"]
    assert taken(sink)[reference.partition("/")[0]] == 1
    (stored,) = company.rows("SELECT message_id FROM outbox WHERE kind = 'access_answer'")

    company.ok("release", reference.partition("/")[0], "--resend", actor="bo")

    assert company.undone() == []
    assert [mail["Message-ID"] for mail in mails(sink)].count(str(stored[0])) == 1


def test_of_two_uncertain_mails_of_a_case_a_person_says_of_each_whether_it_left(company: Company, sink: Sink) -> None:
    """The server lost the acknowledgement, and took the answer: one word about both would double one or lose one."""
    sink.faults.append(Fault.CUT_BEFORE_STORING)
    company.write(MARIA, REQUEST)
    company.ok("poll")
    (reference,) = [line["reference"] for line in company.queue() if line["waits_for"] == "person: approve"]
    company.ok("show", reference, "--letter", actor="bo")
    sink.faults.append(Fault.CUT_AFTER_STORING)
    company.ok("approve", reference, actor="bo")
    case = reference.partition("/")[0]
    rows = company.rows("SELECT id, kind FROM outbox WHERE state = 'uncertain' ORDER BY id")
    assert [kind for _, kind in rows] == ["acknowledgement", "access_answer"]
    (lost, left) = (str(number) for number, _ in rows)

    refused = company.dsar("release", case, "--sent", actor="bo")
    assert refused.exit_code == 2
    assert all(f"{number} ({kind}, <" in refused.err for number, kind in rows)
    company.ok("release", case, "--sent", "--mail", left, actor="bo")
    company.ok("release", case, "--resend", "--mail", lost, actor="bo")

    assert company.undone() == []
    assert company.rows("SELECT state, evidence FROM outbox ORDER BY id") == [("sent", "accepted"), ("sent", "person")]
    assert taken(sink)[case] == 2, "each once"


def test_a_copy_in_the_sent_folder_settles_an_uncertain_letter_by_itself(company: Company, sink: Sink) -> None:
    """The provider files what it sends; so the letter left, although the connection broke before the reply."""
    reference = ask_and_show(company)
    with company.dovecot.session(company.user) as session:
        session.create("Sent")
    sink.file_copy = lambda content: company.dovecot.append(content, company.user, "Sent")
    sink.faults.append(Fault.CUT_AFTER_STORING)

    company.ok("approve", reference, actor="bo")

    assert company.undone() == []
    assert company.rows("SELECT state, evidence FROM outbox WHERE kind = 'access_answer'") == [
        ("sent", "found_in_sent")
    ]
    assert taken(sink)[reference.partition("/")[0]] == 2
    assert len(company.sent_ids()) == len(set(company.sent_ids())), "no second copy was filed"


def test_an_acknowledgement_of_which_nobody_knows_whether_it_left_is_shown(company: Company, sink: Sink) -> None:
    sink.faults.append(Fault.CUT_AFTER_STORING)
    company.write(MARIA, REQUEST)
    company.ok("poll")
    (uncertain,) = [line for line in company.queue() if line["state"] == "uncertain"]
    assert uncertain["waits_for"] == "person: release"

    company.ok("release", uncertain["reference"], "--sent", actor="bo")

    assert [line["waits_for"] for line in company.queue()] == ["person: approve"]
    assert len(sink.taken) == 1
