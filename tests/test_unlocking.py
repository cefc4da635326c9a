"""A pass-phrase goes to the person once its answer has left, by one way at a time, and never for one that came back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office
from servers.sms import PASSWORD, USER, SmsDouble
from test_threads import bounce

from dsar.casework import answering, approving, identifying, searching, sending, unlocking
from dsar.errors import SmsUnavailableError, StaleStateError
from dsar.store.tables import OutboxRow, PassPhrase

SENDER = "Maria Öberg <maria.oberg@example.se>"
ACCESS = "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"


@pytest.fixture
def gateway() -> Iterator[SmsDouble]:
    with SmsDouble() as opened:
        yield opened


@pytest.fixture
def office(tmp_path: Path, gateway: SmsDouble) -> Iterator[Office]:
    lines = f"provider = 46elks\nurl = {gateway.elks_url}\nuser = {USER}\npassword = {PASSWORD}\nsender = Xelent\n"
    with open_office(tmp_path, more={"sms": lines}) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def answered(office: Office) -> OutboxRow:
    """An access answer that is approved, locked, and waits in the outbox."""
    office.receive(SENDER, ACCESS)
    identifying.identify(office.app, 1, now=now())
    searching.collect(office.app, 1, attempt=1, now=now())
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=now())
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now())
    with office.app.store.transaction() as tx:
        return tx.outgoing_of_case(1)[-1]


def left(office: Office, row: OutboxRow) -> None:
    """The mail server took the answer."""
    with office.app.store.transaction() as tx:
        tx.move_outgoing(row, to="sending", expected="ready")
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=now())


def uncertain(office: Office, row: OutboxRow) -> None:
    """The line broke while the answer was handed over."""
    with office.app.store.transaction() as tx:
        tx.move_outgoing(row, to="sending", expected="ready")
    sending.dispatch_mail(office.app, row.id or 0, outbox=office.session.tools.outbox, now=now())


def phrase(office: Office) -> PassPhrase:
    with office.app.store.transaction() as tx:
        (row,) = tx.pass_phrases(1)
    return row


def move(office: Office, *, to: str) -> None:
    """Another worker has begun with the pass-phrase, or ended."""
    with office.app.store.transaction() as tx:
        (row,) = tx.pass_phrases(1)
        assert tx.move_pass_phrase(row, to=to, expected=row.state)


def due(office: Office) -> list[int]:
    with office.app.store.transaction() as tx:
        return [work.subject_id for work in tx.work() if work.step == "send_phrase"]


def send_all(office: Office, *, attempt: int = 1) -> None:
    for phrase_id in due(office):
        unlocking.send_sms(office.app, phrase_id, attempt=attempt, now=now())


# ---------------------------------------------------------------------------------------------- answers that came back


def test_the_bounce_of_an_uncertain_answer_lets_no_pass_phrase_out(office: Office) -> None:
    """Nobody has the answer that it opens; not even a moment may pass in which it could go."""
    row = answered(office)
    uncertain(office, row)

    office.take(bounce(row))

    assert (due(office), phrase(office).state, phrase(office).sealed_phrase) == ([], "void", b"")


def test_an_uncertain_answer_that_is_only_late_has_left(office: Office, gateway: SmsDouble) -> None:
    row = answered(office)
    uncertain(office, row)

    office.take(bounce(row, permanent=False))
    send_all(office)

    assert len(gateway.taken) == 1


# ---------------------------------------------------------------------------------------------------- another way


def test_no_other_way_is_chosen_while_an_sms_is_being_handed_over(office: Office) -> None:
    """It would go both ways, and nobody would know."""
    left(office, answered(office))
    move(office, to="sending")

    with pytest.raises(StaleStateError, match="pass-phrase of D-"):
        unlocking.choose(office.app, office.only_case(), "voice", actor="anna", now=now())

    assert (phrase(office).state, phrase(office).channel, office.only_case().phrase_by) == ("sending", "sms", "")


def test_an_sms_that_waits_does_not_go_once_another_way_is_chosen(office: Office, gateway: SmsDouble) -> None:
    left(office, answered(office))

    unlocking.choose(office.app, office.only_case(), "voice", actor="anna", now=now())
    send_all(office)

    assert (gateway.taken, phrase(office).state) == ([], "to_read")


def test_an_sms_of_which_nobody_knows_goes_again_only_by_a_persons_word(office: Office, gateway: SmsDouble) -> None:
    gateway.behave = "broken"
    left(office, answered(office))
    send_all(office)
    send_all(office)
    assert (len(gateway.taken), phrase(office).state) == (1, "uncertain")

    gateway.behave = "well"
    unlocking.choose(office.app, office.only_case(), "sms", actor="anna", now=now())
    send_all(office)

    assert (len(gateway.taken), phrase(office).state) == (2, "sent")


@pytest.mark.parametrize(
    ("behave", "state", "arrived"),
    [
        ("poor", "failed", 0),  # 402: no money on the account
        ("no", "failed", 0),
        ("failed", "failed", 1),
        ("broken", "uncertain", 1),
    ],
)
def test_what_the_gateway_does_not_take_for_sure_goes_before_a_person(
    office: Office, gateway: SmsDouble, behave: str, state: str, arrived: int
) -> None:
    left(office, answered(office))
    gateway.behave = behave
    send_all(office)
    gateway.behave = "well"
    send_all(office)
    assert (phrase(office).state, len(gateway.taken)) == (state, arrived)
    assert "phrase_failed" in office.only_case().flags


@pytest.mark.parametrize("behave", ["slow_down", "busy"])
def test_a_gateway_that_asks_for_patience_gets_the_pass_phrase_later_and_once(
    office: Office, gateway: SmsDouble, behave: str
) -> None:
    left(office, answered(office))
    gateway.behave = behave
    with pytest.raises(SmsUnavailableError):
        send_all(office)
    gateway.behave = "well"
    send_all(office, attempt=2)
    send_all(office, attempt=3)
    assert (phrase(office).state, len(gateway.taken)) == ("sent", 1)
