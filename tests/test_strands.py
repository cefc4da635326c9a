"""Nothing strands: whatever waits for somebody who does not act comes before a person in time."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office, written

from dsar import worker
from dsar.casework import (
    answering,
    approving,
    byhand,
    challenging,
    changing,
    figures,
    identifying,
    intake,
    intervening,
    searching,
    sending,
    sorting,
    views,
)
from dsar.casework.context import mail_key
from dsar.deadlines import month_of
from dsar.errors import UsageError, WrongKeyError
from dsar.lifecycle import Event, State
from dsar.model import Disposition, RawMail, Right, Strength
from dsar.monthly_statistics import Figures, summarise
from dsar.store import SqlKeyStore
from dsar.store.tables import Message, Request
from dsar.vault import KeyStore, Vault

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

UNKNOWN = "John W <johnw@private.example>"
ACCESS = "I want a copy of all data you have about me. My customer number is K20002.\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def asked(office: Office, *, at: datetime) -> None:
    """An unknown sender who was asked at *at* to confirm; a code went to the address on file."""
    office.receive(UNKNOWN, ACCESS, at=at)
    identifying.identify(office.app, 1, now=at)
    challenging.challenge(office.app, 1, now=at)
    assert states(office) == [State.CLARIFYING]


def states(office: Office) -> list[str]:
    return [request.state for request in office.requests()]


def run(office: Office, step: str, *, now: datetime) -> bool:
    """Do the one step if it is due at *now*, as a worker would; False if it is not."""
    with office.app.store.transaction() as tx:
        due = [tx.claim("w", now=now, lease=timedelta(minutes=5)) for _ in tx.work()]
    chosen = [work for work in due if work is not None and work.step == step]
    for work in chosen:
        worker.run_step(office.session.tools, work, now=now)
    return bool(chosen)


# ------------------------------------------------------------------------------------------------------- no answer


def test_a_requester_who_does_not_answer_by_the_day_given_comes_before_a_person(office: Office) -> None:
    """The month of Art. 12(3) runs on; the letter gave until 16 November."""
    asked(office, at=NOW)

    assert run(office, "expire", now=NOW + timedelta(days=15))

    assert states(office) == [State.IDENTITY]
    (line,) = views.queue(office.app, now=NOW + timedelta(days=15))
    assert (line.waits_for, line.flags) == ("person: verify", ("known_person_new_address", "no_reply"))


def test_on_the_last_day_given_the_requester_may_still_answer(office: Office) -> None:
    asked(office, at=NOW)

    assert not run(office, "expire", now=NOW + timedelta(days=14))

    assert states(office) == [State.CLARIFYING]


def test_a_request_that_was_confirmed_in_time_does_not_expire(office: Office) -> None:
    asked(office, at=NOW)
    (request,) = office.requests()
    office.force(request, state=State.REVIEW)

    assert run(office, "expire", now=NOW + timedelta(days=15))

    assert (states(office), office.only_case().flags) == (
        [State.REVIEW],
        ["known_person_new_address"],
    )


# --------------------------------------------------------------------------------------------------------- by hand


def told(*, received_on: date = date(2026, 11, 2), file: str = "note.txt") -> byhand.Told:
    return byhand.Told(
        channel="phone",
        received_on=received_on,
        rights=(Right.ACCESS,),
        name="Greta Lind",
        email="greta.lind@example.com",
        phone="070-174 06 06",
        customer_no="K20001",
        language="sv",
        files=((file, b"hello"),),
    )


@pytest.mark.sqlite_file
def test_a_request_by_phone_survives_the_end_of_the_program_before_its_case_was_opened(office: Office) -> None:
    """The database takes no case just then: what the caller said stands in the mail that waits for a person."""
    with office.app.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON case_file BEGIN SELECT RAISE(ABORT, 'no more'); END"
        )
    with pytest.raises(sa.exc.IntegrityError):
        byhand.open_by_hand(office.app, told(), actor="anna", now=NOW)
    with office.app.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")

    assert run(office, "sort", now=NOW)

    (line,) = views.queue(office.app, now=NOW)
    assert (line.reference, line.waits_for) == ("M-1", "person: sort")
    message = views.find_message(office.app, "M-1")
    text = intake.read(office.app, message).text
    assert [word in text for word in ("Greta Lind", "greta.lind@example.com", "070-174 06 06", "K20001")] == [True] * 4
    assert sorting.sort_message(office.app, message, [Right.ACCESS], actor="anna", now=NOW) == ("D-2026-00001",)


def test_a_request_by_phone_whose_case_is_open_is_not_sorted_again(office: Office) -> None:
    byhand.open_by_hand(office.app, told(), actor="anna", now=NOW)

    assert run(office, "sort", now=NOW)

    assert [line.reference for line in views.queue(office.app, now=NOW)] == ["D-2026-00001/access"]


@pytest.mark.parametrize("name", ["a\nb.pdf", "a\r\nBcc: x@y.example", "\x1b[2J.pdf", "caf\udce9.pdf", "\n"])
def test_any_file_name_is_kept_on_one_line(office: Office, name: str) -> None:
    byhand.open_by_hand(office.app, told(file=name), actor="anna", now=NOW)

    (attachment,) = intake.read(office.app, views.find_message(office.app, "M-1")).attachments
    assert (attachment.content, "\n" in attachment.filename) == (b"hello", False)


@pytest.mark.parametrize("day", [date(2012, 11, 2), date(2018, 5, 24), date(2021, 11, 1), date(2026, 11, 4)])
def test_a_day_of_receipt_in_the_future_or_long_ago_is_refused(office: Office, day: date) -> None:
    """Its month would have ended years ago: somebody mistyped the year."""
    with pytest.raises(UsageError):
        byhand.open_by_hand(office.app, told(received_on=day), actor="anna", now=NOW)


# ------------------------------------------------------------------------------------------------- earlier arrival


def seen(office: Office, content: bytes, *, folder: str, arrived: datetime) -> None:
    """The poller finds *content* in *folder*, where it has lain since *arrived*."""
    mail = RawMail(mailbox="privacy", folder=folder, uid_validity=1, uid=1, received_at=arrived, content=content)
    intake.store_mails(office.app, (mail,), now=NOW)
    with office.app.store.transaction() as tx:
        message = tx.message_of(mail.sha256)
    intake.sort(office.app, message.id or 0, now=NOW)


def test_a_mail_that_had_lain_in_junk_before_starts_its_clock_there(office: Office) -> None:
    """The same mail in two folders: the month of Art. 12(3) counts from the first of them."""
    content = written(UNKNOWN, ACCESS)
    seen(office, content, folder="INBOX", arrived=NOW)
    (before,) = office.requests()

    seen(office, content, folder="Junk", arrived=NOW - timedelta(days=20))

    (request,) = office.requests()
    assert (before.received_at, before.legal_on) == (NOW, date(2026, 12, 2))
    assert (request.received_at, request.legal_on) == (NOW - timedelta(days=20), date(2026, 11, 13))
    assert (request.send_by_on, request.state) == (date(2026, 11, 13), before.state)
    with office.app.store.transaction() as tx:
        assert [event.name for event in tx.events(1)][-1] == "clock_moved"


def relayed(content: bytes) -> bytes:
    """The same mail as a relay passes it on: encoded anew, its lines broken elsewhere, a notice below."""
    mail = message_from_bytes(content, policy=policy.SMTP)
    text = mail.get_content().replace(" ", "\r\n", 3)
    mail.set_content(f"{text}\n\n--\nChecked by a relay.\n", cte="base64")
    return mail.as_bytes()


def test_a_copy_that_a_relay_encoded_anew_moves_the_clock_back(office: Office) -> None:
    """Other bytes, the same mail: it reached the company when its first copy did."""
    content = written(UNKNOWN, ACCESS)
    seen(office, content, folder="INBOX", arrived=NOW)

    seen(office, relayed(content), folder="Junk", arrived=NOW - timedelta(days=20))

    (request,) = office.requests()
    assert (request.received_at, request.legal_on) == (NOW - timedelta(days=20), date(2026, 11, 13))
    assert office.only_case().flags.count("clock_moved") == 1


def test_a_copy_that_came_later_moves_no_clock(office: Office) -> None:
    """Nobody gains time by repeating a Message-ID."""
    content = written(UNKNOWN, ACCESS)
    seen(office, content, folder="INBOX", arrived=NOW)

    seen(office, relayed(content), folder="Junk", arrived=NOW + timedelta(days=1))

    assert [request.received_at for request in office.requests()] == [NOW]


@pytest.mark.parametrize(
    ("original", "forged"),
    [(UNKNOWN.encode(), b"Somebody Else <else@elsewhere.example>"), (b"a copy of all", b"a list of all")],
    ids=["another sender", "other words"],
)
def test_a_message_id_alone_moves_no_clock(office: Office, original: bytes, forged: bytes) -> None:
    """Anybody who was sent a mail can write its Message-ID again."""
    content = written(UNKNOWN, ACCESS)
    assert original in content
    seen(office, content, folder="INBOX", arrived=NOW)

    seen(office, content.replace(original, forged), folder="Junk", arrived=NOW - timedelta(days=20))

    assert office.requests()[0].received_at == NOW


def approved(office: Office) -> bytes:
    """An access request whose answer is approved and waits in the outbox; the mail that asked."""
    content = written("John Whitfield <john.whitfield@example.com>", ACCESS)
    seen(office, content, folder="INBOX", arrived=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=NOW)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=NOW)
    return content


def test_a_letter_that_names_another_day_of_receipt_is_approved_anew(office: Office) -> None:
    """What was approved says when the request came and what follows from that; now it came earlier (P3, P12)."""
    content = approved(office)

    seen(office, content, folder="Junk", arrived=NOW - timedelta(days=20))

    (request,) = office.requests()
    with office.app.store.transaction() as tx:
        (letter,) = tx.letters_of(request.id or 0)
        (outgoing,) = tx.outgoing_of_letter(letter.id or 0)
        assert (request.state, letter.status, outgoing.state) == (State.REVIEW, "void", "recalled")
    assert request.legal_on == date(2026, 11, 13)
    assert "clock_moved" in office.only_case().flags


def test_a_letter_that_waits_for_its_changes_is_approved_anew_when_they_are_read_back(office: Office) -> None:
    """Nobody asked for anything else, so that the changes go on; what the letter says of its day is no longer true."""
    john = "John Whitfield <john.whitfield@example.com>"
    content = written(john, "Please delete all my personal data (Art. 17 GDPR).\n\nJohn Whitfield\n")
    seen(office, content, folder="INBOX", arrived=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=NOW)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=NOW)
    assert states(office) == [State.APPLYING]

    seen(office, content, folder="Junk", arrived=NOW - timedelta(days=20))
    changing.apply(office.app, request.id or 0, now=NOW)

    (request,) = office.requests()
    with office.app.store.transaction() as tx:
        (letter,) = tx.letters_of(request.id or 0)
        kinds = [row.kind for row in tx.outgoing_of_case(1) if row.state == "ready"]
    assert (request.state, letter.status, "erasure_partly" in kinds) == (State.SEARCHING, "void", False)


def test_an_erasure_that_waits_for_the_access_answer_is_approved_anew(office: Office) -> None:
    """Its letter is void: were it released later, there would be nothing to send, and nobody would know."""
    john = "John Whitfield <john.whitfield@example.com>"
    both = "I want a copy of all data you have about me. Then delete everything.\n\nJohn Whitfield\n"
    content = written(john, both)
    seen(office, content, folder="INBOX", arrived=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (erase,) = [request for request in office.requests() if request.right == Right.ERASE]
    answering.show(office.app, office.only_case(), erase, actor="bo", now=NOW)
    approving.approve(office.app, office.only_case(), erase, actor="bo", now=NOW)
    assert State.BLOCKED in states(office)

    seen(office, content, folder="Junk", arrived=NOW - timedelta(days=20))

    (erase,) = [request for request in office.requests() if request.right == Right.ERASE]
    assert (erase.state, erase.blocked_reason) == (State.REVIEW, "")


def test_a_letter_that_is_leaving_is_not_stopped_by_an_earlier_day(office: Office) -> None:
    """Nobody knows any more whether it left: the clock tells the truth, and the flag tells the staff."""
    content = approved(office)
    (request,) = office.requests()
    with office.app.store.transaction() as tx:
        (outgoing,) = tx.outgoing_of_letter(tx.letters_of(request.id or 0)[0].id or 0)
        tx.move_outgoing(outgoing, to="sending", expected="ready")

    seen(office, content, folder="Junk", arrived=NOW - timedelta(days=20))

    (request,) = office.requests()
    assert (request.state, request.legal_on) == (State.DISPATCHING, date(2026, 11, 13))
    assert "clock_moved" in office.only_case().flags


def test_a_mail_seen_again_later_moves_no_clock(office: Office) -> None:
    content = written(UNKNOWN, ACCESS)
    seen(office, content, folder="INBOX", arrived=NOW)

    seen(office, content, folder="Junk", arrived=NOW + timedelta(days=1))

    assert [request.received_at for request in office.requests()] == [NOW]


def test_an_earlier_arrival_moves_only_the_requests_that_the_mail_began(office: Office) -> None:
    """A right that a second mail added keeps the clock of the second mail."""
    first = written(UNKNOWN, ACCESS)
    seen(office, first, folder="INBOX", arrived=NOW)
    office.receive(
        UNKNOWN, "Please delete all data you hold about me, too.\n\nJohn Whitfield\n", at=NOW + timedelta(days=1)
    )
    assert [request.right for request in office.requests()] == ["access", "erase"]

    seen(office, first, folder="Junk", arrived=NOW - timedelta(days=20))

    assert [request.received_at for request in office.requests()] == [NOW - timedelta(days=20), NOW + timedelta(days=1)]


# ---------------------------------------------------------------------------------------------------- keys of mails


def wraps(office: Office, message: Message) -> set[str]:
    return set(office.app.vault.wrapped_by(mail_key(message.sha256)))


def test_a_mail_that_joined_a_case_is_no_longer_readable_through_its_mailbox(office: Office) -> None:
    """Purging the case makes the request, the follow-up and the copy unreadable (P9)."""
    request = office.receive(UNKNOWN, ACCESS, at=NOW)
    with office.app.store.transaction() as tx:
        answered = tx.outgoing_of_case(1)[0].message_id
    follow_up = office.receive(UNKNOWN, "Hello, any news about my request?\n", in_reply_to=answered, at=NOW)

    run(office, "unwrap", now=NOW)

    assert [wraps(office, each) for each in (request, follow_up)] == [{"case:D-2026-00001"}] * 2
    office.app.vault.destroy_key("case:D-2026-00001")
    with pytest.raises(WrongKeyError):
        intake.raw_content(office.app, follow_up)


def test_a_mail_of_a_case_that_waits_for_a_person_stays_readable_after_the_case_is_gone(office: Office) -> None:
    """A stranger in somebody's thread asks for something: whoever sorts it must be able to read it."""
    office.receive(UNKNOWN, ACCESS, at=NOW)
    with office.app.store.transaction() as tx:
        answered = tx.outgoing_of_case(1)[0].message_id
    message = office.receive(
        "X <x@else.example>", "Please delete all personal data you hold about me.\n", in_reply_to=answered, at=NOW
    )
    assert message.status == "person"

    run(office, "unwrap", now=NOW)
    office.app.vault.destroy_key("case:D-2026-00001")

    assert b"delete all personal data" in intake.raw_content(office.app, message)


# ------------------------------------------------------------------------------------------------------- statistics


def figures_of(office: Office, number: int) -> Figures:
    first_on, last_on = month_of(2026, number)
    times = figures.request_times(office.app)
    return summarise(times, first_on=first_on, last_on=last_on, today=date(2026, 12, 31)).total


def test_what_waits_for_sorting_is_open_and_overdue_in_the_statistics(office: Office) -> None:
    """A case in triage, and a mail that is no case yet; a bounce is no request."""
    agent = "I am writing on behalf of my mother Greta Lind (greta.lind@example.org). Please delete all her data.\n"
    office.receive("A <a@b.example>", agent, at=NOW - timedelta(days=40))
    (request,) = office.requests()
    office.force(request, state=State.TRIAGE)
    message = office.receive("B <b@b.example>", "Hello?\n", at=NOW - timedelta(days=40))
    with office.app.store.transaction() as tx:
        intake.file_message(tx.message(message.id or 0), Disposition.UNCLEAR, status="person")

    total = figures_of(office, 11)

    assert (total.open_at_end, total.overdue, total.unsorted) == (2, 2, 2)


def closed(office: Office, *, at: datetime) -> Request:
    """An access request answered at *at*."""
    office.receive("John Whitfield <john.whitfield@example.com>", ACCESS, at=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=at)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=at)
    with office.app.store.transaction() as tx:
        (answer,) = [row for row in tx.outgoing_of_case(1) if row.letter_id]
        tx.move_outgoing(answer, to="uncertain", expected="ready")
    sending.settle_sent(office.app, answer.id or 0, evidence="person", actor="bo", now=at)
    (request,) = office.requests()
    assert request.state == State.CLOSED
    return request


def test_reopening_an_answer_that_was_late_does_not_take_it_out_of_its_month(office: Office) -> None:
    """Answered on 8 December, six days late; taken up again on 4 January."""
    request = closed(office, at=NOW + timedelta(days=36))
    intervening.reopen(office.app, office.only_case(), request, reason="x", actor="bo", now=NOW + timedelta(days=63))

    assert (figures_of(office, 12).closed, figures_of(office, 12).late) == (1, 1)
    assert [each.closings[0].reopened_at for each in figures.request_times(office.app)] == [NOW + timedelta(days=63)]


def test_an_answer_that_came_back_was_none(office: Office) -> None:
    """A bounce: nothing reached the person, so nothing was closed."""
    closed(office, at=NOW + timedelta(days=3))
    (before,) = figures.request_times(office.app)
    (request,) = office.requests()
    with office.app.store.transaction() as tx:
        tx.advance(request, Event.BOUNCED, actor="dsar", at=NOW + timedelta(days=4), outcome=None, closed_at=None)

    assert [closing.at for closing in before.closings] == [NOW + timedelta(days=3)]
    assert [each.closings for each in figures.request_times(office.app)] == [()]


# ------------------------------------------------------------------------------------------------------- the queue


class Locked:
    """A key store that gives no key once it is locked."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self.locked = False

    def get(self, key_id: str) -> dict[str, bytes]:
        assert not self.locked, f"{key_id} was asked for"
        return self._keys.get(key_id)

    def get_many(self, key_ids: Collection[str]) -> dict[str, dict[str, bytes]]:
        assert not self.locked, f"{key_ids} were asked for"
        return self._keys.get_many(key_ids)

    def put(self, key_id: str, wrapped_by: str, wrapped: bytes) -> bool:
        return self._keys.put(key_id, wrapped_by, wrapped)

    def put_new(self, wraps: Sequence[tuple[str, str, bytes]]) -> None:
        self._keys.put_new(wraps)

    def remove(self, key_id: str, wrapped_by: str | None = None) -> None:
        self._keys.remove(key_id, wrapped_by)

    def truncate_log(self) -> None:
        self._keys.truncate_log()

    def one_commit(self) -> AbstractContextManager[None]:
        return self._keys.one_commit()


def in_review(office: Office, text: str) -> Request:
    office.receive("John Whitfield <john.whitfield@example.com>", text, at=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    assert request.state == State.REVIEW
    return request


def blockers(office: Office) -> tuple[str, ...]:
    (line,) = views.queue(office.app, now=NOW)
    return line.blockers


def test_the_queue_opens_nothing_that_is_sealed(office: Office, tmp_path: Path) -> None:
    """It is read often, by everybody, and while others write: it works without a single key."""
    in_review(office, ACCESS.replace("My customer number is K20002", "My other customer number is K20001"))
    keys = Locked(SqlKeyStore(f"sqlite:///{tmp_path}/other_keys.db"))
    locked = replace(office.app, vault=Vault(bytes(32), keys))
    keys.locked = True

    (line,) = views.queue(locked, now=NOW)

    assert "undecided" in line.blockers[0]


def test_the_queue_tells_what_was_decided_about_candidates(office: Office) -> None:
    in_review(office, ACCESS.replace("My customer number is K20002", "My other customer number is K20001"))
    candidates = [
        number
        for number, each, _ in searching.numbered_records(office.app, office.only_case())
        if each.strength is Strength.CANDIDATE
    ]
    assert blockers(office) == (f"{len(candidates)} candidate(s) are undecided ('dsar decide D-2026-00001')",)

    searching.decide(office.app, office.only_case(), candidates[:1], accepted=False, actor="anna", now=NOW)
    left = len(candidates) - 1

    assert blockers(office) == (f"{left} candidate(s) are undecided ('dsar decide D-2026-00001')",) * bool(left)


def test_the_queue_tells_the_level_that_an_accepted_record_demands(office: Office) -> None:
    """Customer K20001 has a personnummer on file: if it is the same person, an address is not proof enough."""
    in_review(office, ACCESS.replace("My customer number is K20002", "My other customer number is K20001"))

    searching.decide(office.app, office.only_case(), (), accepted=True, actor="anna", now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)  # what the accepted records lead to

    assert "identity is L1, L3 is needed ('dsar verify D-2026-00001')" in blockers(office)


def test_the_queue_tells_the_level_that_a_later_wish_demands(office: Office) -> None:
    """A second mail wants another street entered, too: where somebody is reached is changed on more proof."""
    in_review(office, "My name is misspelt, please change my last name from Whitfield to Whitfeld.\n\nJohn Whitfield\n")
    before = blockers(office)
    with office.app.store.transaction() as tx:
        asked = tx.outgoing_of_case(1)[0].message_id

    office.receive(
        "John Whitfield <john.whitfield@example.com>",
        "Please also change my address to Storgatan 1, 432 43 Varberg.\n\nJohn Whitfield\n",
        in_reply_to=asked,
        at=NOW,
    )

    assert (before, blockers(office)) == ((), ("identity is L1, L2 is needed ('dsar verify D-2026-00001')",))
