"""Mails that come together are sorted together, with the same end as if each had come alone."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from office import Office, open_office, written

from dsar import guard, worker
from dsar.casework import intake, lots, views
from dsar.casework.context import mail_key
from dsar.model import RawMail
from dsar.wiring import open_session

NOW = datetime.now(UTC)
MARIA = "Maria Öberg <maria.oberg@example.se>"
JOHN = "John Whitfield <john.whitfield@example.com>"
ACCESS = "Jag vill veta vilka personuppgifter ni har om mig.\n"
CHAT = "Hej, kan ni skicka fakturan för kontorsstolarna en gång till?\n"
INVOICE = "Faktura"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def chat(sender: str) -> bytes:
    """A mail that asks for nothing of ours."""
    return written(sender, CHAT, subject=INVOICE)


def come(office: Office, *contents: bytes) -> None:
    """The poller finds mails, and nobody has sorted them yet."""
    mails = [
        RawMail(mailbox="privacy", folder="INBOX", uid_validity=1, uid=uid, received_at=NOW, content=content)
        for uid, content in enumerate(contents, start=1)
    ]
    intake.store_mails(office.app, mails, now=NOW)


def ends(office: Office) -> list[tuple[str | None, str, int | None]]:
    """Disposition, status and case of each mail, in the order in which they came."""
    with office.app.store.transaction() as tx:
        messages = [tx.message(number) for number in range(1, 20)]
    return [(each.disposition, each.status, each.case_id) for each in messages if each is not None]


def sort_alone(office: Office) -> None:
    for number in range(1, 20):
        intake.sort(office.app, number, now=NOW)


def identified(sender: str, text: str, number: int, **given: object) -> bytes:
    """A mail with a Message-ID that a test can name."""
    content = written(sender, text, **given)  # type: ignore[arg-type]
    head, _, rest = content.partition(b"Message-ID: <")
    return head + b"Message-ID: <%d@sender.example" % number + rest[rest.index(b">") :]


def test_mails_that_belong_to_nothing_are_sorted_by_one_lot(office: Office) -> None:
    come(
        office,
        written(MARIA, ACCESS),
        chat(JOHN),
        chat("News <news@shop.example>"),
    )

    assert worker.sort_due(office.session.tools) == 3

    assert [(disposition, case) for disposition, _, case in ends(office)] == [
        ("request", 1),
        ("not_request", None),
        ("not_request", None),
    ]
    with office.app.store.transaction() as tx:
        assert [work for work in tx.work() if work.step == "sort"] == []


def test_a_mail_that_answers_another_of_its_lot_joins_its_case(office: Office) -> None:
    """The case did not exist when both were read."""
    come(
        office,
        identified(MARIA, ACCESS, 1),
        identified(MARIA, CHAT, 2, subject=INVOICE, in_reply_to="<1@sender.example>"),
    )

    worker.sort_due(office.session.tools)

    assert [case for _, _, case in ends(office)] == [1, 1]


def test_two_requests_of_one_sender_in_a_lot_are_one_case(office: Office) -> None:
    come(office, written(MARIA, ACCESS), written(MARIA, ACCESS.replace("Jag", "Hej! Jag")))

    worker.sort_due(office.session.tools)

    assert [case for _, _, case in ends(office)] == [1, 1]


def test_a_mail_that_cannot_be_read_spoils_nothing_for_the_others(office: Office) -> None:
    come(office, written(MARIA, ACCESS), b"", chat(JOHN))

    worker.sort_due(office.session.tools)

    assert [status for _, status, _ in ends(office)] == ["sorted", "quarantine", "sorted"]


def test_a_mail_whose_key_is_gone_spoils_nothing_for_the_others(office: Office) -> None:
    lost = chat(JOHN)
    come(office, lost, written(MARIA, ACCESS))
    with office.app.store.transaction() as tx:
        message = tx.message(1)
        assert message is not None
    office.app.vault.destroy_key(mail_key(message.sha256))

    worker.sort_due(office.session.tools)

    assert [status for _, status, _ in ends(office)] == ["quarantine", "sorted"]


def test_whatever_is_wrong_with_a_lot_its_mails_are_taken_one_by_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object, **_named: object) -> None:
        raise ValueError

    come(office, written(MARIA, ACCESS), chat(JOHN))
    monkeypatch.setattr(lots, "open_within", fail)

    worker.sort_due(office.session.tools)

    assert [(disposition, case) for disposition, _, case in ends(office)] == [("request", 1), ("not_request", None)]


def test_a_flood_of_mails_leaves_other_steps_their_turn(office: Office) -> None:
    """A reminder of an ordinary case, and a marketing stop that was read already, do not wait for the last mail."""
    come(office, *(chat(f"News {number} <news@shop{number}.example>") for number in range(250)))
    with office.app.store.transaction() as tx:
        tx.enqueue("remind", 999, due_at=NOW)  # of no case: it fails, and is put off
    unread_at_reminder: list[int] = []

    def told(_tried: int) -> None:
        with office.app.store.transaction() as tx:
            steps = tx.work()
        if not unread_at_reminder and any(work.step == "remind" and work.attempts for work in steps):
            unread_at_reminder.append(sum(work.step == "sort" for work in steps))

    worker.run_due(office.session.tools, told=told, sort_seconds=0)

    assert unread_at_reminder > [100]
    with office.app.store.transaction() as tx:
        assert {work.step for work in tx.work()} == {"remind"}


def test_a_mail_that_may_have_ended_the_program_is_taken_alone(office: Office) -> None:
    """A lot is claimed, the program dies: none of its mails comes into a lot again, so that one cannot end five."""
    come(office, written(MARIA, ACCESS), chat(JOHN))
    with office.app.store.transaction() as tx:
        claimed = tx.claim_sorting("gone", now=NOW, lease=timedelta(seconds=0), most=10, most_bytes=1 << 20)
    assert len(claimed) == 2
    with office.app.store.transaction() as tx:
        tx.free_leases(["gone"], now=NOW)

    assert worker.sort_due(office.session.tools) == 0
    worker.run_due(office.session.tools)

    assert [status for _, status, _ in ends(office)] == ["sorted", "sorted"]


#: Sorts what is due, and is gone at the so-manieth commit of either database.
_DIES = """
import os, sys
from pathlib import Path
import sqlalchemy as sa
from dsar import worker
from dsar.wiring import open_session
left = int(sys.argv[2])
def committed(_connection):
    global left
    left -= 1
    if left == 0:
        os._exit(9)
with open_session(Path(sys.argv[1])) as session:
    for engine in (session.app.store.engine, session.app.vault._keys.engine):
        sa.event.listen(engine, "commit", committed)
    worker.free_dead(session.app)
    worker.sort_due(session.tools)
"""


def test_killed_at_any_commit_every_mail_is_sorted_once(tmp_path: Path) -> None:
    """Between the commits of the keys, of the lot and of the claims; what was under way is then taken one by one."""
    with open_office(tmp_path) as office:
        senders = [f"Person {number} <p{number}@sender{number}.example>" for number in range(12)]
        come(
            office,
            *(written(sender, ACCESS) if at % 3 else chat(sender) for at, sender in enumerate(senders)),
        )
    died = [
        subprocess.run([sys.executable, "-c", _DIES, tmp_path / "settings.ini", str(commits)], check=False).returncode
        for commits in (2, 4, 5, 6, 7)
    ]
    assert died[:2] == [9, 9]
    with open_session(tmp_path / "settings.ini") as session:
        reopened = Office(session, tmp_path)
        worker.free_dead(reopened.app)
        worker.run_due(session.tools)

        assert {status for _, status, _ in ends(reopened)} == {"sorted"}
        cases = [case for _, _, case in ends(reopened) if case is not None]
        assert sorted(cases) == list(range(1, 9))
        with reopened.app.store.transaction() as tx:
            assert len(tx.open_requests()) == 8


def test_while_one_worker_sorts_no_other_gets_mail_to_sort(office: Office) -> None:
    """Who sorts must see the cases that all earlier mails opened, or one person would get two."""
    come(office, *(written(JOHN, f"{CHAT}{number}", subject=INVOICE) for number in range(6)))
    with office.app.store.transaction() as tx:
        one = tx.claim_sorting("a", now=NOW, lease=timedelta(minutes=1), most=4, most_bytes=1 << 20)
    with office.app.store.transaction() as tx:
        other = tx.claim_sorting("b", now=NOW, lease=timedelta(minutes=1), most=4, most_bytes=1 << 20)
        alone = tx.claim("b", now=NOW, lease=timedelta(minutes=1))

    assert (len(one), other, alone) == (4, (), None)


def test_a_lot_is_as_big_as_memory_allows(office: Office) -> None:
    """Four mails of 1 kB each fit into 3 kB only by twos and one; one that is bigger than all is taken anyway."""
    come(office, *(written(JOHN, "x" * 1000 + str(number)) for number in range(4)))
    with office.app.store.transaction() as tx:
        assert len(tx.claim_sorting("a", now=NOW, lease=timedelta(minutes=1), most=9, most_bytes=3000)) == 3
    with office.app.store.transaction() as tx:
        assert len(tx.claim_sorting("a", now=NOW, lease=timedelta(minutes=1), most=9, most_bytes=1)) == 1


#: Mails that have to do with each other in every way.
MAILS = (
    identified(MARIA, ACCESS, 1),
    identified(MARIA, "Radera också mina uppgifter.\n", 2, in_reply_to="<1@sender.example>"),
    identified(MARIA, CHAT, 3, subject=INVOICE),
    identified(JOHN, "Please send me a copy of all personal data you hold about me.\n", 4),
    identified(JOHN, CHAT, 5, subject=INVOICE, in_reply_to="<4@sender.example>"),
    identified(JOHN, "Angående D-2026-00001, se nedan.\n", 6),
    identified("IMY <registrator@imy.se>", "Vi har inlett tillsyn.\n", 7),
    identified(MARIA, "Jag är på semester.\n", 8, headers={"Auto-Submitted": "auto-replied"}),
    b"Received: from a by b\r\n" + identified(MARIA, ACCESS, 1),
    b"",
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(range(len(MAILS))), min_size=1, max_size=8, unique=True))
def test_a_lot_ends_as_its_mails_would_one_by_one(tmp_path_factory: pytest.TempPathFactory, chosen: list[int]) -> None:
    """But for a mail that came before what it belongs to: in a lot it may join that."""
    contents = [MAILS[number] for number in sorted(chosen)]
    with open_office(tmp_path_factory.mktemp("alone")) as alone:
        come(alone, *contents)
        sort_alone(alone)
        with open_office(tmp_path_factory.mktemp("lot")) as together:
            come(together, *contents)
            worker.sort_due(together.session.tools)

            assert ends(together) == ends(alone)
            assert [line.reference for line in views.queue(together.app, now=NOW)] == [
                line.reference for line in views.queue(alone.app, now=NOW)
            ]


def test_a_lot_is_read_by_as_many_children_as_there_are_processors() -> None:
    assert 1 <= guard.AT_ONCE <= 4
