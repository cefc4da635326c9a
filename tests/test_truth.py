"""What letters say is what the program did: stops, half-done changes, work by hand, and what nobody did."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import office as offices
import pytest
from office import Office, open_office

from dsar.casework import (
    answering,
    approving,
    challenging,
    changing,
    duties,
    identifying,
    intervening,
    searching,
    sending,
    suppressing,
    verifying,
)
from dsar.casework.context import content_of, steps_of
from dsar.casework.planning import WRITING
from dsar.errors import ApprovalError, DispatchUncertainError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import Outcome, State
from dsar.store.tables import OutboxRow, Request

SENDER = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
STOP = (
    "Hello,\n\nI do not want to receive any more marketing e-mails from you. Please stop sending them.\n\n"
    "Kind regards\nJohn Whitfield\n"
)
NEW_PHONE = "My phone number is wrong, please change my phone number to 070-174 06 98.\n\nJohn Whitfield\n"
NEW_EMAIL = (
    "Please change my e-mail address from john.whitfield@example.com to john.new@example.net.\n\nJohn Whitfield\n"
)
NOW = datetime.now(UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def readable_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """An installation that may read the web shop but not write to it."""
    with read_only(tmp_path, monkeypatch, "webshop") as opened:
        yield opened


@contextmanager
def read_only(folder: Path, monkeypatch: pytest.MonkeyPatch, *systems: str) -> Iterator[Office]:
    """An installation in which *systems* can be read and not written."""
    text = offices._SETTINGS  # the settings of the test office themselves
    for system in systems:
        text = text.replace(f"write_url = sqlite:///data/{system}.db\n", "")
    monkeypatch.setattr(offices, "_SETTINGS", text)
    with open_office(folder) as opened:
        yield opened


def in_review(office: Office, text: str, *, now: datetime = NOW, checked: bool = False) -> Request:
    """A case whose only request waits for approval; *checked*: it was asked from the shop account."""
    office.receive(SENDER, text, at=now)
    identifying.identify(office.app, 1, now=now)
    if checked:
        method = CheckMethod("shop_login")
        verifying.verify(office.app, office.only_case(), method=method, contact=None, actor="anna", now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    return only(office)


def only(office: Office) -> Request:
    (request,) = office.requests()
    return request


def draft(office: Office, *, now: datetime = NOW) -> answering.Draft:
    return answering.show(office.app, office.only_case(), only(office), actor="bo", now=now)


def approve(office: Office, *, now: datetime = NOW) -> None:
    draft(office, now=now)
    approving.approve(office.app, office.only_case(), only(office), actor="bo", now=now)


def answer(office: Office, *, now: datetime = NOW) -> str:
    """Approve, carry out and send; the text of the letter."""
    approve(office, now=now)
    changing.apply(office.app, 1, now=now)
    (row,) = [row for row in mails(office) if row.letter_id and row.state == "ready"]
    with office.app.store.transaction() as tx:
        tx.move_outgoing(row, to="sending", expected="ready", sending_at=now)
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=now)
    case = office.only_case()
    with office.app.store.transaction() as tx:
        return content_of(office.app, case, tx.letter(row.letter_id or 0)).text


def mails(office: Office, kind: str | None = None) -> list[OutboxRow]:
    with office.app.store.transaction() as tx:
        return [row for row in tx.outgoing_of_case(1) if kind is None or row.kind == kind]


def half_done(office: Office) -> None:
    """Approve, and carry out the writing steps but the last, as a worker does that is stopped then."""
    approve(office)
    with office.app.store.transaction() as tx:
        known = tx.plan_of_letter(tx.letters_of(1)[0].id or 0)
    assert known is not None
    steps = steps_of(office.app, office.only_case(), known)
    writing = [position for position, step in enumerate(steps) if step.action in WRITING]
    for position in writing[:-1]:
        changing._apply_step(office.app, office.only_case(), 1, known, position, steps, now=NOW)


def search_again(office: Office) -> None:
    searching.collect(office.app, 1, attempt=1, now=NOW)


def business(office: Office, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.data / "business.db") as connection:
        return connection.execute(statement).fetchall()


# ------------------------------------------------------------------------------------------------- marketing stop


def test_a_stop_that_a_system_cannot_do_is_no_done_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing could be written, so nothing is approved by the program, and the letter names what is still open."""
    with read_only(tmp_path, monkeypatch, "webshop", "business") as office:
        in_review(office, STOP)

        approving.stop_marketing(office.app, 1, now=NOW)

        assert only(office).state == State.REVIEW
        text = draft(office).letter.text
        assert "Done!" not in text
        assert "Still to be stopped" in text
        assert "The business system" in text


def test_a_stop_with_work_left_tells_no_unverified_sender_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody can state a number and say no to marketing: what is left to do would tell them who holds it (P4)."""
    with read_only(tmp_path, monkeypatch, "webshop", "business") as office:
        stop = "Please stop sending me marketing.\n\nEve\n+46 70 174 06 06\n"
        office.receive("Eve <eve@attacker.example>", stop, at=NOW)
        identifying.identify(office.app, 1, now=NOW)
        search_again(office)

        with pytest.raises(ApprovalError, match="not verified"):
            answer(office)

        answering.done_by_hand(
            office.app, office.only_case(), only(office), what="The number gets none.", actor="anna", now=NOW
        )
        assert "The business system" not in answer(office)


def test_a_stop_with_work_left_ends_as_partly_until_a_person_has_done_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promise "we will let you know" is kept: the last work by hand brings the closing letter."""
    with read_only(tmp_path, monkeypatch, "business") as office:
        in_review(office, STOP)
        answer(office)
        assert only(office).outcome == Outcome.PARTLY

        business(office, "UPDATE customers SET marketing = 0 WHERE customer_no = 'K20002'")
        for duty in duties.open_duties(office.app):
            duties.end(office.app, duty.number, actor="anna", now=NOW)
        search_again(office)

        assert "Done!" in answer(office)
        assert only(office).outcome == Outcome.FULFILLED


def test_campaigns_can_ask_who_said_no(office: Office) -> None:
    """The list is asked by value, however it is written; it never says whom it holds."""
    in_review(office, STOP)
    answer(office)

    asked = ["JOHN.Whitfield@example.com", "somebody.else@example.com"]
    assert suppressing.blocked(office.app, asked) == ["JOHN.Whitfield@example.com"]
    assert [(entry.channel, entry.case_reference) for entry in suppressing.entries(office.app)] == [
        ("email", "D-2026-00001")
    ]
    assert "john" not in repr(suppressing.entries(office.app)).lower()


def test_who_wants_the_block_entry_gone_gets_it_gone(office: Office) -> None:
    """The erasure letter offers it: "if you want this removed too, please tell us"."""
    in_review(office, STOP)
    answer(office)

    assert suppressing.allow(office.app, "john.whitfield@example.com", actor="anna", now=NOW)

    assert suppressing.entries(office.app) == []
    assert not suppressing.allow(office.app, "john.whitfield@example.com", actor="anna", now=NOW)


# ---------------------------------------------------------------------------------------------- left half-way


def test_withdrawn_half_way_what_was_erased_is_told_and_nothing_more_is_erased(office: Office) -> None:
    """The letter lists what was done, offers no further plan, and the case does not end without it."""
    in_review(office, ERASE)
    half_done(office)

    intervening.withdraw(office.app, only(office), actor="anna", now=NOW)
    search_again(office)

    assert only(office).state == State.REVIEW
    current = draft(office)
    text = " ".join(current.letter.text.split())
    assert "You then took your request back, and we stopped." in text
    assert "erased" in text
    with office.app.store.transaction() as tx:
        assert tx.plan_of_letter(current.row.id or 0) is None
    with pytest.raises(UsageError, match="waits for approval"):
        intervening.withdraw(office.app, only(office), actor="anna", now=NOW)


def test_withdrawn_while_a_half_done_change_is_held_it_is_not_closed_in_silence(office: Office) -> None:
    """BLOCKED with a begun ledger goes to review, never straight to closed."""
    in_review(office, ERASE)
    half_done(office)
    intervening.hold(office.app, office.only_case(), on=True, reason="IMY", actor="bo", now=NOW)

    intervening.withdraw(office.app, only(office), actor="anna", now=NOW)
    search_again(office)

    assert only(office).state == State.REVIEW
    assert draft(office).letter.kind == "erasure_partly"


def test_two_follow_ups_in_a_half_done_change_wait_for_a_person_and_nothing_is_forgotten(office: Office) -> None:
    """The second mail does not throw away what the first one stopped."""
    in_review(office, ERASE)
    (first,) = mails(office)
    half_done(office)
    for _ in range(2):
        office.receive(SENDER, "Hello, any news?\n", in_reply_to=first.message_id)
    assert only(office).state == State.BLOCKED

    intervening.stop(office.app, office.only_case(), only(office), actor="anna", now=NOW)
    search_again(office)

    with office.app.store.transaction() as tx:
        assert len(tx.applied_plans(1)) == 1
    assert "We have erased some of them." in " ".join(draft(office).letter.text.split())


# ------------------------------------------------------------------------------------------------ security notice


def test_the_old_address_is_told_although_the_letter_is_of_another_day(office: Office) -> None:
    """P3(d): the notice belongs to the change, not to the letter; it goes once, however often things are repeated."""
    late = datetime(2026, 11, 25, 22, 58, tzinfo=UTC)  # 23:58 in Stockholm
    in_review(office, NEW_EMAIL, now=late, checked=True)
    approve(office, now=late)
    after = late + timedelta(minutes=5)
    changing.apply(office.app, 1, now=after)
    searching.collect(office.app, 1, attempt=1, now=after)
    assert len(mails(office, "contact_changed_notice")) == 1

    approve(office, now=after)
    changing.apply(office.app, 1, now=after)

    assert len(mails(office, "contact_changed_notice")) == 1


# ------------------------------------------------------------------------------------------------ uncertain letter


@pytest.fixture
def uncertain(office: Office) -> Office:
    """A request of which nobody knows whether its letter left."""

    class Outbox:
        def send(self, *_: object, **__: object) -> None:
            raise DispatchUncertainError

    in_review(office, ERASE)
    approve(office)
    changing.apply(office.app, 1, now=NOW)
    (row,) = [row for row in mails(office) if row.letter_id]
    sending.dispatch_mail(office.app, row.id or 0, outbox=Outbox(), now=NOW)  # type: ignore[arg-type]
    assert only(office).blocked_reason == "uncertain"
    return office


def test_an_uncertain_letter_is_settled_before_anything_else_happens(uncertain: Office) -> None:
    """Neither continued, stopped nor withdrawn: first somebody says whether the letter left."""
    case, request = uncertain.only_case(), only(uncertain)
    with pytest.raises(UsageError, match="--sent"):
        intervening.go_on(uncertain.app, case, request, actor="anna", now=NOW)
    with pytest.raises(UsageError, match="--sent"):
        intervening.stop(uncertain.app, case, request, actor="anna", now=NOW)
    with pytest.raises(UsageError, match="--sent"):
        intervening.withdraw(uncertain.app, request, actor="anna", now=NOW)
    assert only(uncertain).state == State.BLOCKED


def test_what_is_owed_is_owed_once(office: Office) -> None:
    """The same plan applied by a second letter owes nothing twice."""
    day = datetime(2026, 11, 25, 12, tzinfo=UTC)
    in_review(office, ERASE, now=day)
    approve(office, now=day)
    changing.apply(office.app, 1, now=day)
    owed = len(duties.open_duties(office.app))
    office.force(only(office), state=State.REVIEW)
    searching.collect(office.app, 1, attempt=1, now=day)
    approve(office, now=day)

    changing.apply(office.app, 1, now=day)

    assert len(duties.open_duties(office.app)) == owed > 0


# --------------------------------------------------------------------------------------------------- rectification


@pytest.mark.parametrize("text", [NEW_PHONE, NEW_PHONE.replace("to 070", "from +46 70 174 06 06 to 070")])
def test_an_update_names_the_place_that_only_a_person_can_change(readable_shop: Office, text: str) -> None:
    """A read-only system neither strands the draft nor is passed over: it stands as still to be changed."""
    in_review(readable_shop, text, checked=True)

    letter = answer(readable_shop)

    assert "We have changed your data" in letter
    assert "Still to be changed" in letter
    assert "The web shop" in letter.partition("Still to be changed")[2]
    assert only(readable_shop).outcome == Outcome.PARTLY
    owed = [each for each in duties.open_duties(readable_shop.app) if each.kind != "verify_again"]
    assert [(each.kind, each.system) for each in owed] == [("by_hand", "webshop")]


def test_an_update_that_nothing_can_write_is_still_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No system of the company can be written to: the letter says that a person does it."""
    with read_only(tmp_path, monkeypatch, "webshop", "business") as office:
        in_review(office, NEW_PHONE, checked=True)
        text = draft(office).letter.text
        assert "Answer to your request for rectification" in text
        assert "We have changed" not in text


# --------------------------------------------------------------------------------------------------- done by hand


def test_a_restriction_is_answered_in_the_words_of_who_did_it(office: Office) -> None:
    """Art. 18(3): and somebody looks again before it ends, as the letter promises."""
    in_review(office, "Please restrict the processing of my personal data under Article 18 GDPR.\n\nJohn Whitfield\n")
    what = "Your customer record is locked for everybody but the finance department."
    answering.done_by_hand(office.app, office.only_case(), only(office), what=what, actor="anna", now=NOW)

    letter = answer(office)

    assert what in " ".join(letter.split())
    assert only(office).outcome == Outcome.FULFILLED
    assert [duty.kind for duty in duties.open_duties(office.app)] == ["restriction"]


def test_an_erasure_is_never_told_by_word_alone(office: Office) -> None:
    """P7: "erased" means verified."""
    in_review(office, ERASE)
    with pytest.raises(UsageError, match="duties --done"):
        answering.done_by_hand(office.app, office.only_case(), only(office), what="x", actor="anna", now=NOW)


def test_the_last_erasure_by_hand_brings_the_closing_letter(readable_shop: Office) -> None:
    """ "We will let you know when it is done" is kept, and only once the systems show it."""
    in_review(readable_shop, ERASE)
    assert "let you know when it is done" in " ".join(answer(readable_shop).split())
    by_hand = [duty for duty in duties.open_duties(readable_shop.app) if duty.kind == "by_hand"]
    assert by_hand
    with sqlite3.connect(readable_shop.data / "webshop.db") as connection:
        connection.execute("DELETE FROM accounts WHERE account_no = 'W1003'")
        connection.execute("DELETE FROM orders WHERE order_no = 'XO-5002'")

    for duty in by_hand:
        duties.end(readable_shop.app, duty.number, actor="anna", now=NOW)
    assert only(readable_shop).state == State.SEARCHING
    search_again(readable_shop)

    letter = answer(readable_shop)
    assert "done by hand" in letter
    assert "let you know" not in letter


def test_what_is_said_to_be_erased_and_is_still_there_stays_open(readable_shop: Office) -> None:
    """P7 again: a person's word does not stand against what the system shows."""
    in_review(readable_shop, ERASE)
    answer(readable_shop)
    for duty in duties.open_duties(readable_shop.app):
        duties.end(readable_shop.app, duty.number, actor="anna", now=NOW)
    search_again(readable_shop)

    letter = draft(readable_shop).letter.text

    assert "Remaining" in letter
    assert "done by hand" not in letter


# ---------------------------------------------------------------------------------------------- not identified


def test_a_sender_who_was_never_asked_is_not_told_so(office: Office) -> None:
    """No marketing was stopped and nobody asked for help: the letter claims neither."""
    office.receive(SENDER, ERASE, finding="mx.xelent.example; dmarc=fail header.from=example.com")
    office.force(only(office), state=State.IDENTITY)
    answering.give_up_identity(office.app, only(office), actor="anna", now=NOW)

    text = draft(office).letter.text

    assert "stopped marketing" not in text
    assert "we asked for help" not in text


def test_a_sender_who_was_asked_is_told_when(office: Office) -> None:
    """The day of the letter that asked stands in the one that gives up."""
    office.receive("John W <johnw@private.example>", ERASE)
    office.force(only(office), state=State.IDENTITY)
    challenging.challenge(office.app, 1, now=NOW)
    answering.give_up_identity(office.app, only(office), actor="anna", now=NOW)

    assert "we asked for help to confirm" in " ".join(draft(office).letter.text.split())


# ------------------------------------------------------------------------------------------- digests that survive


def test_nothing_that_survives_a_purge_can_be_guessed_from_its_digest(office: Office) -> None:
    """P9: plan, inputs and MIME of a letter are kept as keyed digests only."""
    from dsar import approval

    in_review(office, ERASE)
    approve(office)
    with office.app.store.transaction() as tx:
        letter = tx.letters_of(1)[0]
        known = tx.plan_of_letter(letter.id or 0)
        assert known is not None
        steps = steps_of(office.app, tx.case_by_id(1), known)
        (approved,) = [event for event in tx.events(1) if event.name == "approved"]
        (outgoing,) = tx.outgoing_of_letter(letter.id or 0)
    assert known.sha256 != approval.sha256_of_plan(steps)
    assert approved.detail["mime"] != outgoing.mime_sha256
