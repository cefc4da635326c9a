"""Who is believed, for what: nobody by another's proof, nothing by yesterday's mail, nobody by claiming."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import answering, approving, challenging, identifying, intervening, searching, sorting, verifying
from dsar.casework.context import case_key, subject_of
from dsar.errors import ApprovalError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import LetterKind, Right
from dsar.store.tables import CaseFile, OutboxRow, Request

JOHN = "John Whitfield <john.whitfield@example.com>"
MARIA = "Maria Öberg <maria@other.example>"
EVE = "Eve <eve@attacker.example>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
UNCONFIRMED = "mx.xelent.example; spf=neutral"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def test_an_agents_own_address_proves_nothing_about_the_principal(office: Office, now: datetime) -> None:
    """Writing for one's mother from an address on file must not erase the writer."""
    office.receive(JOHN, "I write on behalf of my mother Greta Lindqvist. Please delete all data about her.\n", at=now)
    case = office.only_case()
    assert case.requester != "self"
    if office.requests()[0].state == State.TRIAGE:
        sorting.sort_case(office.app, case, [Right.ERASE], actor="anna", now=now)

    identifying.identify(office.app, 1, now=now)

    assert office.requests()[-1].state == State.IDENTITY
    with pytest.raises(UsageError, match="--contact"):
        verifying.verify(office.app, case, method=CheckMethod.SHOP_LOGIN, contact=None, actor="anna", now=now)


def test_an_unconfirmed_follow_up_does_not_borrow_the_first_mails_proof(office: Office, now: datetime) -> None:
    """The address is right, but our mail server does not vouch for this mail: it is a stranger's."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n", at=now)
    office.receive(JOHN, ERASE, finding=UNCONFIRMED, in_reply_to=_first_message_id(office))

    assert [request.right for request in office.requests()] == ["access"]
    assert "follow_up_unknown_sender" in office.only_case().flags


def _first_message_id(office: Office) -> str:
    """Message-ID of the acknowledgement, which the requester answers."""
    with office.app.store.transaction() as tx:
        return tx.outgoing_of_case(1)[0].message_id


def test_a_contact_that_is_no_address_is_refused(office: Office, now: datetime) -> None:
    """What staff type is checked before a letter goes there."""
    office.receive(EVE, ERASE, at=now)

    with pytest.raises(UsageError, match="address"):
        verifying.verify(
            office.app, office.only_case(), method=CheckMethod.ID_SHOWN, contact="not an address", actor="anna", now=now
        )


def test_a_newly_proven_contact_starts_the_search_anew(office: Office, now: datetime) -> None:
    """What waits for approval was found for somebody's other address."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n", at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)

    verifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.ID_SHOWN,
        contact="john.new@example.com",
        actor="anna",
        now=now,
    )

    assert office.requests()[0].state == State.SEARCHING


def test_a_refused_update_confirms_nothing_to_an_unverified_sender(office: Office, now: datetime) -> None:
    """ "We have checked the data" would say that there are some, and a name that it is theirs."""
    office.receive(EVE, "I am John Whitfield. Please change my phone number to 070-123 45 67.\n", at=now)
    case = office.only_case()
    (request,) = office.requests()
    office.force(request, state=State.IDENTITY)
    (request,) = office.requests()
    answering.refuse(
        office.app, case, request, reasons="We do not know you.", legal_ground="Art. 12(6)", actor="anna", now=now
    )

    letter = answering.draft(office.app, case, office.requests()[0], now=now).letter

    assert letter.kind == LetterKind.REFUSAL
    assert "Whitfield" not in letter.text


def erasure_in_review(office: Office, now: datetime) -> None:
    """John's erasure waits for Bo, who has read the letter."""
    office.receive(JOHN, ERASE, at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)


def approve(office: Office, now: datetime) -> None:
    request = office.requests()[0]
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def test_an_erasure_is_not_approved_over_a_strangers_warning(office: Office, now: datetime) -> None:
    """Somebody says that a mailbox was misused: a person looks before anything irreversible."""
    erasure_in_review(office, now)
    office.receive(EVE, "Do not do that, it was not me who wrote!\n", in_reply_to=_first_message_id(office))

    with pytest.raises(ApprovalError, match="unknown"):
        approve(office, now)

    intervening.mark_seen(office.app, office.only_case(), actor="anna", now=now)
    approve(office, now)
    assert office.requests()[0].state == State.APPLYING


def test_an_erasure_that_a_stranger_stopped_goes_on_when_it_was_looked_at(office: Office, now: datetime) -> None:
    """`dsar release --seen` keeps its promise."""
    erasure_in_review(office, now)
    approve(office, now)
    office.receive(EVE, "Do not do that, it was not me who wrote!\n", in_reply_to=_first_message_id(office))
    assert office.requests()[0].state == State.BLOCKED

    intervening.mark_seen(office.app, office.only_case(), actor="anna", now=now)

    assert office.requests()[0].state == State.APPLYING


@pytest.mark.parametrize("state", [State.IDENTITY, State.SEARCHING, State.REVIEW])
def test_nothing_is_approved_after_the_requester_took_it_back(office: Office, now: datetime, state: State) -> None:
    """A withdrawal stops unapplied work in every state, until a person has decided."""
    erasure_in_review(office, now)
    office.force(office.requests()[0], state=state)

    office.receive(JOHN, "I withdraw my request, please keep my data.\n", in_reply_to=_first_message_id(office))
    office.force(office.requests()[0], state=State.REVIEW)

    with pytest.raises(ApprovalError, match="takes it back"):
        approve(office, now)


# ------------------------------------------------------------------------------------------- whose word counts for whom


def events(office: Office) -> list[str]:
    """Names of what happened in the first case."""
    with office.app.store.transaction() as tx:
        return [event.name for event in tx.events(1)]


def right(office: Office, name: str) -> Request:
    """The request for one right in the first case."""
    return next(request for request in office.requests() if request.right == name)


def case_of_greta(office: Office, now: datetime) -> CaseFile:
    """John, who is on file, writes for his mother, and staff sort what he asks."""
    office.receive(
        JOHN, "I write on behalf of my mother Greta Lindqvist (greta@example.org). Please delete all data about her.\n"
    )
    sorting.sort_case(office.app, office.only_case(), [Right.ERASE], actor="anna", now=now)
    return office.only_case()


def test_an_agents_address_is_never_taken_for_the_principals(office: Office, now: datetime) -> None:
    """Named by staff it would erase the agent's own records in the principal's name."""
    case = case_of_greta(office, now)

    with pytest.raises(UsageError, match="writes for the person"):
        verifying.verify(
            office.app,
            case,
            method=CheckMethod.ID_SHOWN,
            contact="John.Whitfield@example.com",
            actor="anna",
            now=now,
        )


def test_the_search_for_a_principal_starts_from_the_proven_contact_alone(office: Office, now: datetime) -> None:
    """Nothing of the agent is found, and the answer goes to the principal."""
    case = case_of_greta(office, now)
    verifying.verify(
        office.app, case, method=CheckMethod.ID_SHOWN, contact="Karin.Hakansson@example.se", actor="anna", now=now
    )

    searching.collect(office.app, 1, attempt=1, now=now)

    case = office.only_case()
    assert [each.value for each in subject_of(office.app, case).proven] == ["karin.hakansson@example.se"]
    assert answering.recipient_of(office.app, case) == "karin.hakansson@example.se"
    values = [value.value for _, record, _ in searching.numbered_records(office.app, case) for value in record.values]
    assert "john.whitfield@example.com" not in values


def test_a_person_says_that_the_supposed_agent_writes_for_themselves(office: Office, now: datetime) -> None:
    """Without that way out a request that the program misread could only be refused."""
    case = case_of_greta(office, now)

    sorting.set_own_matter(office.app, case, actor="anna", now=now)
    identifying.identify(office.app, 1, now=now)

    assert office.requests()[0].state == State.SEARCHING
    assert subject_of(office.app, office.only_case()).name is None


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        (JOHN, "Please delete all data about me and my wife Anna Berg (anna.berg@example.org).\n\nJohn Whitfield\n"),
        (JOHN, "Please delete all personal data you hold about me.\n\nAnna Berg\n"),
    ],
    ids=["beside the sender", "under another name"],
)
def test_the_senders_proof_serves_nobody_else_whom_the_mail_names(
    office: Office, now: datetime, sender: str, text: str
) -> None:
    """Husband and wife, or two users of one mailbox: one's address on file is not the other's identity."""
    office.receive(sender, text, at=now)
    with office.app.store.transaction() as tx:
        cases = {case.id or 0: case for _, case in tx.open_requests()}
    (case,) = [each for each in cases.values() if subject_of(office.app, each).name == "Anna Berg"]
    with office.app.store.transaction() as tx:
        waits = any(request.state == State.TRIAGE for request in tx.requests(case.id or 0))
    if waits:
        sorting.sort_case(office.app, case, [Right.ERASE], actor="anna", now=now)

    identifying.identify(office.app, case.id or 0, now=now)

    with office.app.store.transaction() as tx:
        assert [request.state for request in tx.requests(case.id or 0)] == [State.IDENTITY]
        assert subject_of(office.app, tx.case_by_id(case.id or 0)).proven == ()


@pytest.mark.parametrize(
    "text",
    [
        "Please also delete all data you hold about my wife Anna Berg, anna.berg@example.org.\n\nJohn Whitfield\n",
        "I write on behalf of my mother Greta Lindqvist. Please delete all data you hold about her.\n",
    ],
    ids=["wife", "mother"],
)
def test_what_a_later_mail_asks_for_somebody_else_has_a_case_of_its_own(
    office: Office, now: datetime, text: str
) -> None:
    """In the sender's case it would be done to the sender."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n\nJohn Whitfield\n", at=now)

    office.receive(JOHN, text, in_reply_to=_first_message_id(office))

    assert [request.right for request in office.requests()] == ["access"]
    with office.app.store.transaction() as tx:
        assert any(request.right == "erase" and case.id != 1 for request, case in tx.open_requests())


def test_each_right_is_judged_by_the_mail_that_asked_for_it(office: Office, now: datetime) -> None:
    """The later mail passed, the first one did not: it stays unproven beside the other."""
    office.receive(JOHN, ERASE, finding=UNCONFIRMED, at=now)
    office.receive(JOHN, "I also want a copy of all data you have about me.\n", in_reply_to=_first_message_id(office))

    identifying.identify(office.app, 1, now=now)

    assert right(office, "access").state == State.SEARCHING
    assert right(office, "erase").state == State.IDENTITY


# ----------------------------------------------------------------------------------------------------- codes and checks


def waiting_for_a_code(office: Office, now: datetime) -> str:
    """Maria asks from an unknown address and was asked for a code; Message-ID of the letter that asks."""
    office.receive(MARIA, "Jag vill ha ett registerutdrag. Mitt kundnummer är K20004.\n\nMaria Öberg\n", at=now)
    identifying.identify(office.app, 1, now=now)
    challenging.challenge(office.app, 1, now=now)
    with office.app.store.transaction() as tx:
        return next(row.message_id for row in tx.outgoing_of_case(1) if row.kind == "identity_check")


def test_a_right_beside_a_wrong_code_has_its_clock(office: Office, now: datetime) -> None:
    """Eight digits are not always a code: what else the mail asks is not lost with them."""
    thread = waiting_for_a_code(office, now)

    office.receive(MARIA, "Ärendet 10234567. Radera alla mina personuppgifter.\n\nMaria Öberg\n", in_reply_to=thread)

    assert {request.right for request in office.requests()} == {"access", "erase"}
    assert "code_from_elsewhere" in office.only_case().flags


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Ärendet 10234567. Jag återkallar min begäran.\n", "withdrawn"),
        ("Ärendet 10234567. Jag kommer att anmäla er till IMY.\n", "complaint"),
    ],
)
def test_a_withdrawal_or_complaint_beside_a_wrong_code_is_heard(
    office: Office, now: datetime, text: str, flag: str
) -> None:
    thread = waiting_for_a_code(office, now)

    office.receive(MARIA, text, in_reply_to=thread)

    assert flag in office.only_case().flags


def test_a_contact_is_not_changed_under_an_approved_letter(office: Office, now: datetime) -> None:
    """The approval was for the letter to the old address (P3); it is taken back first, by a person."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n\nJohn Whitfield\n", at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    approve(office, now)

    with pytest.raises(UsageError, match="recall"):
        verifying.verify(
            office.app,
            office.only_case(),
            method=CheckMethod.ID_SHOWN,
            contact="john.new@example.com",
            actor="anna",
            now=now,
        )

    assert answering.recipient_of(office.app, office.only_case()) == "john.whitfield@example.com"


def test_a_contact_is_kept_in_its_normal_form(office: Office, now: datetime) -> None:
    office.receive(EVE, ERASE, at=now)

    verifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.ID_SHOWN,
        contact=" John.Whitfield@EXAMPLE.com ",
        actor="anna",
        now=now,
    )

    assert answering.recipient_of(office.app, office.only_case()) == "john.whitfield@example.com"


# ---------------------------------------------------------------------------------------------------------- own copies


def own_letter(office: Office) -> tuple[OutboxRow, bytes]:
    """The acknowledgement as it lies in the outbox, uncertain whether it left; and its bytes."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n\nJohn Whitfield\n")
    with office.app.store.transaction() as tx:
        (row,) = tx.outgoing_of_case(1)
        tx.move_outgoing(row, to="uncertain", expected="ready")
    key = case_key(office.only_case())
    return row, office.app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime)


def outbox_state(office: Office) -> str:
    with office.app.store.transaction() as tx:
        return tx.outgoing_of_case(1)[0].state


def test_a_copy_with_other_headers_is_ours(office: Office) -> None:
    """Servers add headers on the way; what the letter says is the same."""
    _, content = own_letter(office)

    message = office.take(
        b"Received: from a.example by mx.xelent.example; Tue, 3 Mar 2026 10:00:00 +0100\r\n" + content
    )

    assert (message.disposition, outbox_state(office)) == ("internal", "sent")


@pytest.mark.parametrize("authentication", ["none", "dmarc=fail header.from=xelent.example"])
def test_other_words_under_our_message_id_are_no_copy(office: Office, authentication: str) -> None:
    """Whoever got the letter knows its Message-ID: a request behind it is read (P1), and proves no sending."""
    row, _ = own_letter(office)

    message = office.take(
        f"Authentication-Results: mx.xelent.example; {authentication}\r\nFrom: gdpr@xelent.example\r\n"
        f"To: gdpr@xelent.example\r\nMessage-ID: {row.message_id}\r\nSubject: x\r\n\r\n"
        "Please delete all my personal data.\r\n".encode()
    )

    assert message.disposition != "internal"
    assert outbox_state(office) == "uncertain"


def test_a_forged_copy_proves_nothing(office: Office) -> None:
    """Even word for word: the mail server says that it is not from us."""
    _, content = own_letter(office)

    office.take(b"Authentication-Results: mx.xelent.example; dmarc=fail header.from=xelent.example\r\n" + content)

    assert outbox_state(office) == "uncertain"


# ------------------------------------------------------------------------------------------------ warnings, and silence


@pytest.mark.parametrize("reason", ["follow_up", "hold", "access_first"])
def test_having_looked_restarts_nothing_that_waits_for_another_reason(
    office: Office, now: datetime, reason: str
) -> None:
    """`dsar release --seen` answers a stranger's warning, not a hold, a withdrawal or an open access request."""
    erasure_in_review(office, now)
    approve(office, now)
    office.force(office.requests()[0], state=State.BLOCKED, blocked_reason=reason)
    office.receive(EVE, "Do not do that, it was not me who wrote!\n", in_reply_to=_first_message_id(office))

    intervening.mark_seen(office.app, office.only_case(), actor="anna", now=now)

    assert office.requests()[0].state == State.BLOCKED


def test_giving_up_on_an_unverified_sender_names_nobody(office: Office, now: datetime) -> None:
    """The name stands in the mail of whoever wrote it; in ours it would say that we know it."""
    office.receive(EVE, ERASE, at=now)
    office.force(office.requests()[0], state=State.IDENTITY)
    answering.give_up_identity(office.app, office.requests()[0], actor="anna", now=now)

    letter = answering.draft(office.app, office.only_case(), office.requests()[0], now=now).letter

    assert letter.kind == LetterKind.UNIDENTIFIED
    assert "Whitfield" not in letter.text
