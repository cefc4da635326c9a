"""Who is believed, for what: nobody by another's proof, nothing by yesterday's mail, nobody by claiming."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import answering, approving, identifying, intervening, searching, sorting
from dsar.errors import ApprovalError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import LetterKind, Right

JOHN = "John Whitfield <john.whitfield@example.com>"
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
        identifying.verify(office.app, case, method=CheckMethod.CALL_BACK, contact=None, actor="anna", now=now)


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
        identifying.verify(
            office.app, office.only_case(), method=CheckMethod.ID_SHOWN, contact="not an address", actor="anna", now=now
        )


def test_a_newly_proven_contact_starts_the_search_anew(office: Office, now: datetime) -> None:
    """What waits for approval was found for somebody's other address."""
    office.receive(JOHN, "I want a copy of all data you have about me.\n", at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)

    identifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.CALL_BACK,
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
