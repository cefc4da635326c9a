"""
Art. 11 GDPR: who cannot be tied to any data is told so and asked for no more; what they add by themselves is used.

Art. 11(2): "Articles 15 to 20 shall not apply except where the data subject, for the purpose of exercising his or her
rights under those articles, provides additional information enabling his or her identification."
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office
from test_attacks import SECRETS
from test_challenging import code_sent, outgoing, recipients

from dsar.casework import answering, approving, challenging, identifying, intervening, sending
from dsar.casework.context import records_of
from dsar.casework.searching import collect
from dsar.lifecycle import Outcome, State
from dsar.model import IdentityLevel, LetterKind, Strength

#: Nobody whom we know, from an address that we do not know.
STRANGER = "M. <fotograf@other.example>"
ASKS = "Jag vill ha ett registerutdrag över allt ni har om mig från skrivaren i receptionen.\n\nM.\n"
PERSON, ON_FILE = "Maria Öberg <maria.oberg@example.se>", "maria.oberg@example.se"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def work(office: Office) -> None:
    """What the worker does with a case until it waits for somebody."""
    identifying.identify(office.app, 1, now=now())
    challenging.challenge(office.app, 1, now=now())
    collect(office.app, 1, attempt=1, now=now())


def asked(office: Office) -> str:
    """Somebody whom nothing ties to any data has asked, and was asked who they are; Message-ID of our letter."""
    office.receive(STRANGER, ASKS)
    work(office)
    return outgoing(office)[-1].message_id


def closed(office: Office) -> str:
    """The same, and nobody could tell; what the closing letter says."""
    asked(office)
    (request,) = office.requests()
    answering.give_up_identity(office.app, request, actor="anna", now=now())
    (request,) = office.requests()
    shown = answering.show(office.app, office.only_case(), request, actor="bo", now=now())
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now())
    with office.app.store.transaction() as tx:
        (row,) = [each for each in tx.outgoing_of_case(1) if each.kind == LetterKind.UNIDENTIFIED]
        tx.move_outgoing(row, to="sending", expected="ready")
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=now())
    return " ".join(shown.letter.text.split())


def test_no_more_is_asked_for_than_the_person_chooses_to_give(office: Office) -> None:
    """Art. 11(1): we need not "maintain, acquire or process additional information in order to identify"."""
    asked(office)
    (request,) = office.requests()
    assert (recipients(office), request.state) == (["fotograf@other.example"], State.CLARIFYING)


def test_the_person_is_told_that_they_cannot_be_identified_and_what_would_help(office: Office) -> None:
    """Art. 11(2): "the controller shall inform the data subject accordingly, if possible"."""
    told = closed(office)
    assert "artiklarna 11.2 och 12.6" in told
    assert "Vill du fortsätta kan du när som helst" in told
    assert "fakturanummer och serienumret på en maskin" in told
    assert office.requests()[0].outcome == Outcome.UNIDENTIFIED


def test_it_says_neither_that_there_are_data_nor_that_there_are_none(office: Office) -> None:
    told = closed(office)
    assert "Det betyder inte att vi har tagit ställning till om vi behandlar uppgifter om dig" in told
    assert not any(secret in told for secret in SECRETS)


def test_why_nobody_could_be_identified_is_on_record(office: Office) -> None:
    """Art. 11(2): it is the controller who must be "able to demonstrate that it is not in a position to identify"."""
    closed(office)
    with office.app.store.transaction() as tx:
        case, events = tx.case_by_id(1), {event.name: event for event in tx.events(1)}
    assert "not on file" in case.identity_reason
    assert events["identity_asked"].detail["doubt"] == "unknown"
    assert {"identity_asked", "unidentified"} <= set(events)


def test_information_that_the_person_adds_makes_identification_possible(office: Office) -> None:
    """A customer number leads to an address on file, which is asked; nothing is believed of whoever wrote it."""
    ours = asked(office)

    office.receive(STRANGER, "Mitt kundnummer är K20004.\n\nMaria Öberg\n", in_reply_to=ours)
    work(office)
    code, message_id = code_sent(office)
    office.receive(PERSON, f"Koden är {code}\n", in_reply_to=message_id)
    collect(office.app, 1, attempt=1, now=now())

    (request,) = office.requests()
    assert (office.only_case().identity_level, request.state) == (IdentityLevel.L1, State.REVIEW)


def test_a_case_that_was_closed_is_taken_up_again_without_believing_anything(office: Office) -> None:
    closed(office)
    office.receive(STRANGER, "Mitt kundnummer är K20004.\n\nMaria Öberg\n", in_reply_to=outgoing(office)[-1].message_id)
    (request,) = office.requests()

    intervening.reopen(office.app, office.only_case(), request, reason="mer uppgifter", actor="anna", now=now())
    collect(office.app, 1, attempt=1, now=now())

    (request,) = office.requests()
    assert (request.state, office.only_case().identity_level) == (State.IDENTITY, IdentityLevel.L0)


def test_data_that_a_serial_number_ties_to_a_customer_are_the_customers(office: Office) -> None:
    """They are no data under Art. 11: who is known as the customer gets what the machine says, too."""
    office.receive("John Whitfield <john.whitfield@example.com>", "I want a copy of my data.\n\nJohn Whitfield\n")
    work(office)
    with office.app.store.transaction() as tx:
        case = tx.case_by_id(1)
        found = [record for row in tx.search_results(case) for record in records_of(office.app, case, row)]
    machines = [record for record in found if record.object == "equipment"]
    assert machines
    assert {record.strength for record in machines} == {Strength.CERTAIN}
