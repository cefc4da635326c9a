"""Which case a mail belongs to, and what machines that answer, report or remind do to it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from office import Office, open_office, written

from dsar.casework import answering, approving, identifying, intervening, searching, sending, sorting, views
from dsar.casework.context import case_key, subject_of
from dsar.lifecycle import State
from dsar.model import Right
from dsar.store.tables import OutboxRow, Request

SENDER = "John Whitfield <john.whitfield@example.com>"
STRANGER = "Somebody Else <someone@elsewhere.example>"
ACCESS = "Please send me a copy of all personal data you hold about me.\n\nJohn Whitfield\n"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
REMINDER = "Hello, I am still waiting for your answer about my request. When will it be done?\n"
TAGGED = {"smtp": "tag = on"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path, more=TAGGED) as opened:
        yield opened


def answered(office: Office) -> OutboxRow:
    """An access request whose approved answer lies in the outbox."""
    now = datetime.now(UTC)
    office.receive(SENDER, ACCESS)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now)
    return mails(office)[-1]


def mails(office: Office) -> list[OutboxRow]:
    """Everything in the outbox for the one case, oldest first."""
    with office.app.store.transaction() as tx:
        return list(tx.outgoing_of_case(1))


def move(office: Office, row: OutboxRow, state: str) -> None:
    """Put a mail of the outbox into *state*."""
    with office.app.store.transaction() as tx:
        assert tx.move_outgoing(row, to=state, expected=row.state)


def leave(office: Office, row: OutboxRow) -> None:
    """Let a mail leave, as the mail server's 250 does."""
    move(office, row, "sending")
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=datetime.now(UTC))


def events(office: Office) -> list[str]:
    """Names of what happened in the one case."""
    with office.app.store.transaction() as tx:
        return [event.name for event in tx.events(1)]


def cases(office: Office) -> int:
    """How many cases there are."""
    with office.app.store.transaction() as tx:
        return len({case.reference for _, case in tx.open_requests()})


def standing(office: Office) -> list[tuple[str, str, int]]:
    """State and version of each request: equal before and after where nothing happened."""
    return [(request.right, request.state, request.version) for request in office.requests()]


# ------------------------------------------------------------------------------------------------- tag and reference


def test_letters_carry_a_tag_that_no_other_case_has(office: Office) -> None:
    """Answers that lost their thread still come to ADDRESS+TAG, and nobody can guess the tag."""
    office.receive(SENDER, ACCESS)
    (row,) = mails(office)
    case = office.only_case()
    content = office.app.vault.unseal(case_key(case), f"outbox.mime:{row.message_id}", row.sealed_mime)

    tag = subject_of(office.app, case).tag
    assert message_from_bytes(content)["Reply-To"] == f"gdpr+{tag}@xelent.example"
    assert len(bytes.fromhex(tag)) == 8


def test_without_plus_addressing_there_is_no_tag(tmp_path: Path) -> None:
    """Where the mail server would not deliver ADDRESS+TAG, answers go to the plain address."""
    with open_office(tmp_path) as office:
        office.receive(SENDER, ACCESS)
        (row,) = mails(office)
        case = office.only_case()
        content = office.app.vault.unseal(case_key(case), f"outbox.mime:{row.message_id}", row.sealed_mime)
        assert message_from_bytes(content)["Reply-To"] is None


@pytest.mark.parametrize(("sender", "flag"), [(SENDER, "follow_up"), (STRANGER, "follow_up_unknown_sender")])
def test_a_mail_to_the_tag_joins_its_case(office: Office, sender: str, flag: str) -> None:
    """The tag finds the case; what the mail may change there is decided by who sends it."""
    office.receive(SENDER, ACCESS)
    mail = message_from_bytes(written(sender, "Here is more about it.\n"), policy=policy.SMTP)
    mail.replace_header("To", f"gdpr+{subject_of(office.app, office.only_case()).tag}@xelent.example")

    message = office.take(mail.as_bytes())

    assert (message.disposition, cases(office)) == ("follow_up", 1)
    assert flag in office.only_case().flags


@pytest.mark.parametrize(
    ("sender", "finding", "flag"),
    [
        (SENDER, None, "follow_up"),
        (SENDER, "mx.xelent.example; none", "follow_up_unknown_sender"),
        (STRANGER, None, "follow_up_unknown_sender"),
    ],
    ids=["proven requester", "requester's address, unproven", "stranger"],
)
def test_a_case_reference_alone_is_a_possible_follow_up(
    office: Office, sender: str, finding: str | None, flag: str
) -> None:
    """References count up and can be guessed: only the requester's proven address makes one a follow-up."""
    office.receive(SENDER, ACCESS)
    before = standing(office)

    office.receive(sender, f"About {office.only_case().reference}: here is more about it.\n", finding=finding)

    assert [each for each in office.only_case().flags if each.startswith("follow_up")] == [flag]
    assert standing(office) == before


def test_a_stranger_who_asks_for_something_is_shown_with_a_clock_of_its_own(office: Office) -> None:
    """Hidden behind somebody else's reference, a request would otherwise run out unseen."""
    office.receive(SENDER, ACCESS)
    message = office.receive(STRANGER, f"{office.only_case().reference}\n\nPlease delete all my personal data.\n")

    lines = views.queue(office.app, now=datetime.now(UTC))
    assert f"M-{message.id}" in [line.reference for line in lines]


def test_an_authority_that_names_a_case_is_shown_beside_it(office: Office) -> None:
    """IMY is never answered by a machine and never takes part in the requester's thread: management reads it."""
    office.receive(SENDER, ACCESS)
    before = standing(office)
    reference = office.only_case().reference

    message = office.receive("Tillsyn <tillsyn@imy.se>", f"Vi har fått ett klagomål om {reference}.\n")

    assert (message.disposition, message.status) == ("authority", "person")
    assert "authority" in office.only_case().flags
    assert standing(office) == before
    assert len(mails(office)) == 1


def test_a_reference_that_no_case_has_joins_nothing(office: Office) -> None:
    message = office.receive(SENDER, "I write about D-2026-99999. Where is my answer?\n")
    assert (message.disposition, message.case_id, message.status) == ("follow_up", None, "person")


# ------------------------------------------------------------------------------------------- sightings and reminders


def test_the_same_bytes_again_are_a_sighting(office: Office) -> None:
    """A mail seen twice is one mail, one case, two sightings."""
    content = written(SENDER, ACCESS)
    first, second = office.take(content), office.take(content)
    assert first.id == second.id
    assert cases(office) == 1
    assert len(mails(office)) == 1


def test_the_same_mail_by_another_way_changes_nothing(office: Office) -> None:
    """Sent to two of our addresses it comes twice, with other headers; that is no reminder."""
    content = written(SENDER, ACCESS)
    office.take(content)
    before = standing(office)
    message = office.take(
        b"Received: from a.example by mx2.xelent.example; Tue, 3 Mar 2026 10:00:00 +0100\r\n" + content
    )
    assert (standing(office), office.only_case().flags, cases(office)) == (before, [], 1)
    assert (message.disposition, message.case_id) == ("follow_up", 1)


def test_other_words_under_the_same_message_id_are_read(office: Office) -> None:
    """A Message-ID is a hint, never a key: nobody hides a mail behind another one's."""
    content = written(SENDER, ACCESS)
    office.take(content)
    office.take(content.replace(b"send me a copy of", b"delete"))
    assert {request.right for request in office.requests()} == {"access", "erase"}


def test_a_reminder_raises_urgency_and_opens_no_second_clock(office: Office) -> None:
    """Flagged, and first among what is due on the same day; the month goes on from the first mail."""
    office.receive("Peter Sandberg <peter.sandberg@example.net>", ACCESS.replace("John Whitfield", "Peter Sandberg"))
    office.receive(SENDER, ACCESS)
    with office.app.store.transaction() as tx:
        before = [(request.id, request.received_at) for request, _ in tx.open_requests()]
        reference = tx.case_by_id(2).reference

    office.receive(SENDER, REMINDER)

    with office.app.store.transaction() as tx:
        assert [(request.id, request.received_at) for request, _ in tx.open_requests()] == before
    lines = views.queue(office.app, now=datetime.now(UTC))
    assert lines[0].reference == f"{reference}/access"
    assert "reminder" in lines[0].flags
    assert lines[0].send_by_on == lines[1].send_by_on


def test_asking_the_same_again_is_a_reminder(office: Office) -> None:
    office.receive(SENDER, ACCESS)
    office.receive(SENDER, ACCESS)
    assert "reminder" in office.only_case().flags
    assert len(office.requests()) == 1


def test_a_right_that_is_added_is_no_reminder(office: Office) -> None:
    """It has a clock of its own instead."""
    office.receive(SENDER, ACCESS)
    office.receive(SENDER, ERASE)
    assert "reminder" not in office.only_case().flags
    assert len(office.requests()) == 2


STOP_AND_A_HINT = """Hello,

Stop sending me marketing. I might also want to see what you hold on me, or have it removed, what would you suggest?

John
"""


def test_a_plain_marketing_stop_in_a_later_mail_goes_on_and_the_mail_waits_for_a_person(office: Office) -> None:
    office.receive(SENDER, ACCESS)
    office.receive(SENDER, STOP_AND_A_HINT)

    assert {request.right: request.state for request in office.requests()}["object"] != State.TRIAGE
    waiting = {line.reference: line.waits_for for line in views.queue(office.app, now=datetime.now(UTC))}
    assert waiting["M-2"] == "person: sort"


def test_a_doubt_about_what_is_asked_again_beside_a_marketing_stop_is_seen_by_a_person(office: Office) -> None:
    """What runs already gets no second clock, yet somebody has to read what the program is unsure of."""
    swedish = "Peter Sandberg <peter.sandberg@example.se>"
    office.receive(swedish, "Jag vill bli struken ur alla era register. Radera mina uppgifter.\n\nPeter Sandberg\n")
    office.receive(
        swedish,
        "Sluta skicka reklam till mig. Kundregistret kunde jag väl också få bli struken ur, eller hur fungerar det?\n",
    )

    waiting = {line.reference: line.waits_for for line in views.queue(office.app, now=datetime.now(UTC))}
    assert waiting["M-2"] == "person: sort"


def test_a_right_of_another_mail_is_not_begun_twice_by_sorting_the_case(office: Office) -> None:
    swedish = "Peter Sandberg <peter.sandberg@example.se>"
    office.receive(swedish, "Jag tänkte be om att få bli struken ur resten, om det går för sig.\n\nPeter Sandberg\n")
    office.receive(swedish, "Jag funderar på det som ni har om mig.\n\nPeter Sandberg\n")
    assert [request.state for request in office.requests()] == [State.TRIAGE, State.TRIAGE]

    both = [Right(request.right) for request in office.requests()]
    sorting.sort_case(office.app, office.only_case(), both, actor="anna", now=datetime.now(UTC))

    assert [request.right for request in office.requests()] == ["erase", "access"]


def test_a_person_who_has_looked_takes_the_reminder_away(office: Office) -> None:
    office.receive(SENDER, ACCESS)
    office.receive(SENDER, REMINDER)
    intervening.mark_seen(office.app, office.only_case(), actor="anna", now=datetime.now(UTC))
    assert office.only_case().flags == []


def test_two_persons_who_share_a_mailbox_have_two_cases(office: Office) -> None:
    """The address alone does not make the second person's request the first one's reminder."""
    office.receive(SENDER, ACCESS)
    office.receive("Jane Whitfield <john.whitfield@example.com>", ACCESS.replace("John", "Jane"))
    assert cases(office) == 2


# --------------------------------------------------------------------------------------------------- automatic replies


@pytest.mark.parametrize("state", [State.REVIEW, State.APPROVED, State.APPLYING, State.DISPATCHING, State.CLOSED])
@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"Auto-Submitted": "auto-replied"}, "I am out of office until Monday.\n"),
        ({"Auto-Submitted": "auto-generated"}, "Your message was received. Ticket 4711.\n"),
        ({"X-Autoreply": "yes"}, "Jag är på semester.\n"),
    ],
    ids=["out of office", "ticket system", "x-autoreply"],
)
def test_an_automatic_reply_changes_nothing(office: Office, state: State, headers: dict[str, str], text: str) -> None:
    """It is filed, without a flag, whatever its request waits for."""
    row = answered(office)
    (request,) = office.requests()
    office.force(request, state=state)
    before = standing(office)

    message = office.receive(SENDER, text, in_reply_to=row.message_id, headers=headers)

    assert (message.disposition, message.status) == ("auto_reply", "sorted")
    assert (standing(office), office.only_case().flags) == (before, [])
    assert "machine_replied" in events(office)


def test_an_automatic_reply_that_asks_for_something_goes_before_a_person(office: Office) -> None:
    """A request can come from a machine: in doubt a person looks (Art. 12(2))."""
    row = answered(office)
    headers = {"Auto-Submitted": "auto-generated"}
    message = office.receive(SENDER, ERASE, in_reply_to=row.message_id, headers=headers)
    assert (message.disposition, message.status) == ("auto_reply", "person")


# ----------------------------------------------------------------------------------------------------------- bounces

BOUNCE = """From: MAILER-DAEMON@mx.example
To: gdpr@xelent.example
Subject: Undelivered Mail Returned to Sender
Return-Path: <>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

The mail could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; john.whitfield@example.com
Action: {action}
Status: {status}

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""


def bounce(row: OutboxRow | None, *, permanent: bool = True) -> bytes:
    """A delivery status report about a mail; None: it does not say about which."""
    action, status = ("failed", "5.1.1") if permanent else ("delayed", "4.4.1")
    message_id = row.message_id if row else "<somebody@elsewhere.example>"
    return BOUNCE.format(action=action, status=status, message_id=message_id).encode()


def first(office: Office) -> Request:
    """The one request."""
    (request,) = office.requests()
    return request


def test_a_bounce_of_the_answer_reopens_its_request_with_the_clock_running(office: Office) -> None:
    """Nothing reached the person: the month of Art. 12(3) has not stopped."""
    row = answered(office)
    received_at, send_by_on = first(office).received_at, first(office).send_by_on
    leave(office, row)
    assert first(office).state == State.CLOSED

    message = office.take(bounce(row))

    request = first(office)
    assert (request.state, request.outcome, request.closed_at) == (State.REVIEW, None, None)
    assert (request.received_at, request.send_by_on) == (received_at, send_by_on)
    assert office.only_case().flags == ["bounced"]
    assert (message.disposition, message.status) == ("bounce", "sorted")


def test_a_temporary_bounce_is_recorded_and_changes_nothing(office: Office) -> None:
    """The mail server still tries."""
    row = answered(office)
    leave(office, row)
    before = standing(office)

    message = office.take(bounce(row, permanent=False))

    assert (standing(office), office.only_case().flags) == (before, [])
    assert "mail_delayed" in events(office)
    assert (message.disposition, message.status) == ("bounce", "sorted")


def test_a_bounce_of_the_acknowledgement_flags_the_case(office: Office) -> None:
    """Whoever cannot be reached will not get the answer either: a person should know now."""
    office.receive(SENDER, ACCESS)
    (row,) = mails(office)
    leave(office, row)
    before = standing(office)

    office.take(bounce(row))

    assert (standing(office), office.only_case().flags) == (before, ["bounced"])


def test_a_bounce_proves_that_an_uncertain_letter_had_left(office: Office) -> None:
    """It came back, so it went out: no second letter is sent blindly."""
    row = answered(office)
    move(office, row, "sending")
    sending.dispatch_mail(office.app, row.id or 0, outbox=office.session.tools.outbox, now=datetime.now(UTC))
    assert first(office).state == State.BLOCKED

    office.take(bounce(row))

    assert first(office).state == State.REVIEW
    assert mails(office)[-1].state == "failed"


def test_a_bounce_that_names_no_mail_of_ours_flags_the_cases_of_its_address(office: Office) -> None:
    """One in five bounces names no Message-ID; the address is a hint that a person should see, and no more."""
    row = answered(office)
    leave(office, row)
    before = standing(office)

    office.take(bounce(None))

    assert (standing(office), office.only_case().flags) == (before, ["may_have_bounced"])


def test_a_bounce_that_names_no_mail_of_ours_goes_before_a_person(office: Office) -> None:
    """It may be about an answer of a closed case, whose flags nobody sees in the queue (P1)."""
    leave(office, answered(office))

    message = office.take(bounce(None))

    assert (message.disposition, message.status) == ("bounce", "person")
    lines = views.queue(office.app, now=datetime.now(UTC))
    assert [line.reference for line in lines if line.waits_for != "person: phrase"] == [f"M-{message.id}"]


def test_a_bounce_to_an_unknown_address_goes_before_a_person(office: Office) -> None:
    """Backscatter, or the answer to somebody whose mail is forwarded: the program cannot tell."""
    office.receive(SENDER, ACCESS)
    message = office.take(bounce(None).replace(b"john.whitfield@", b"nobody@"))
    assert (message.disposition, message.status, office.only_case().flags) == ("bounce", "person", [])


def test_a_bounce_after_the_request_was_reopened_shows_on_the_case(office: Office) -> None:
    """The request is open already: the bounce moves nothing, and is not lost."""
    row = answered(office)
    leave(office, row)
    intervening.reopen(office.app, office.only_case(), first(office), reason="x", actor="bo", now=datetime.now(UTC))

    message = office.take(bounce(row))

    assert (first(office).state, office.only_case().flags) == (State.SEARCHING, ["bounced"])
    assert (message.status, mails(office)[-1].state) == ("sorted", "failed")
