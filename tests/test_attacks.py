"""
Attacks on the question who asks, one by one: none discloses, changes or confirms anything, and none shuts the true
person out. docs/evidence.md holds the table.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office
from test_challenging import code_sent, outgoing

from dsar.casework import challenging, identifying, planning, searching, suspecting, verifying
from dsar.casework.context import case_key, records_of
from dsar.errors import ApprovalError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import Identifier, IdentifierType, IdentityLevel, Strength
from dsar.store.tables import CaseFile, Request

VICTIM, ON_FILE = "Maria Öberg <maria.oberg@example.se>", "maria.oberg@example.se"
MALLORY = "Maria Öberg <mallory@other.example>"
CLAIM = "Jag vill ha ett registerutdrag. Mitt kundnummer är K20004.\n\nMaria Öberg\n"
PLAIN = "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"
SECRETS = ("Bäckagårdsvägen", "070-1740608", ON_FILE, "Nilsson")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def work(office: Office, case_id: int = 1) -> None:
    """What the worker does after a mail was sorted."""
    identifying.identify(office.app, case_id, now=now())
    challenging.challenge(office.app, case_id, now=now())
    searching.collect(office.app, case_id, attempt=1, now=now())
    verifying.compare_stated(office.app, case_id, now=now())


def cases(office: Office) -> list[tuple[CaseFile, list[Request]]]:
    with office.app.store.transaction() as tx:
        found = []
        for number in range(1, 20):
            try:
                case = tx.case_by_id(number)
            except Exception:  # noqa: BLE001  # there are no more
                break
            found.append((case, list(tx.requests(number))))
        return found


def nothing_was_given(office: Office, case_id: int = 1) -> None:
    """The case is not identified, nothing was searched for it, and no mail of it but to the victim tells anything."""
    with office.app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        rows = tx.outgoing_of_case(case_id)
        assert case.identity_level == IdentityLevel.L0
        assert not case.search_proven
        assert all(
            request.state in {State.IDENTITY, State.CLARIFYING, State.TRIAGE} for request in tx.requests(case_id)
        )
    for row in rows:
        to = office.app.vault.unseal(
            case_key(case), f"outbox.recipient:{row.message_id}", row.sealed_recipient
        ).decode()
        content = office.app.vault.unseal(case_key(case), f"outbox.mime:{row.message_id}", row.sealed_mime).decode()
        if to != ON_FILE:
            assert not any(secret in content for secret in SECRETS)


def asks_with_a_customer_number(office: Office) -> None:
    office.receive(MALLORY, CLAIM)


def asks_with_a_forged_sender(office: Office) -> None:
    office.receive(VICTIM, PLAIN, finding="mx.xelent.example; dmarc=fail header.from=example.se")


def asks_with_a_forged_finding(office: Office) -> None:
    """A header in our name below our own, and one of another server."""
    office.receive(
        VICTIM,
        PLAIN,
        finding="mx.xelent.example; spf=none",
        headers={"X-Authentication-Results": "mx.xelent.example; dmarc=pass header.from=example.se"},
    )


def asks_from_a_look_alike(office: Office) -> None:
    office.receive("Maria Öberg <maria.oberg@examp1e.se>", CLAIM)


def asks_with_the_victims_address_in_reply_to(office: Office) -> None:
    office.receive(MALLORY, CLAIM, headers={"Reply-To": ON_FILE})


def asks_with_the_victims_address_as_display_name(office: Office) -> None:
    office.receive(f'"{ON_FILE}" <mallory@other.example>', CLAIM)


def asks_to_take_the_address_over(office: Office) -> None:
    office.receive(
        MALLORY,
        f"Jag har bytt e-postadress. Min gamla adress är {ON_FILE} och min nya är mallory@other.example.\n"
        "Kan ni ändra det?\n\nMaria Öberg\n",
    )


def asks_as_the_victims_agent(office: Office) -> None:
    office.receive(
        "Ombudet <agent@other.example>",
        "Undertecknad är ombud för Maria Öberg. För min klients räkning begär jag ett registerutdrag.\n\nOmbudet\n",
    )


def asks_as_the_victims_parent(office: Office) -> None:
    office.receive(
        "Eva Mallory <mallory@other.example>",
        "Jag är mamma till Maria Öberg, 12 år. Jag vill ha ett registerutdrag för min dotter. Kundnummer K20004.\n",
    )


def asks_as_the_victims_employer(office: Office) -> None:
    office.receive(
        "Personalchefen <hr@other.example>",
        f"Vi är arbetsgivare för Maria Öberg ({ON_FILE}) och begär ett registerutdrag över vår anställdas uppgifter.\n",
    )


def asks_as_the_victims_estate(office: Office) -> None:
    office.receive(
        "Eva Mallory <mallory@other.example>",
        "Min syster Maria Öberg har avlidit. Jag företräder dödsboet och vill ha ett registerutdrag över henne. "
        "Kundnummer K20004.\n",
    )


def asks_as_an_app(office: Office) -> None:
    office.receive(
        "Requests <requests@app.example>",
        f"We act on behalf of our user Maria Öberg, {ON_FILE}. Please provide all personal data under Art. 15 GDPR by "
        "uploading it to our portal.\n",
    )


def knows_name_and_birth(office: Office) -> None:
    """1&1: EUR 9.55 m for telling somebody who knew name and date of birth."""
    office.receive(MALLORY, CLAIM + "Jag är född 1985-03-12, personnummer 850312-2385.\n")


def sends_a_copy_of_an_id(office: Office) -> None:
    office.receive(MALLORY, CLAIM + "Jag bifogar en kopia av mitt körkort som bevis.\n")


def knows_two_facts(office: Office) -> None:
    office.receive(MALLORY, CLAIM + "Mitt ordernummer är XO-5004.\n")


ATTACKS: list[Callable[[Office], None]] = [
    asks_with_a_customer_number,
    asks_with_a_forged_sender,
    asks_with_a_forged_finding,
    asks_from_a_look_alike,
    asks_with_the_victims_address_in_reply_to,
    asks_with_the_victims_address_as_display_name,
    asks_to_take_the_address_over,
    asks_as_the_victims_agent,
    asks_as_the_victims_parent,
    asks_as_the_victims_employer,
    asks_as_the_victims_estate,
    asks_as_an_app,
    knows_name_and_birth,
    sends_a_copy_of_an_id,
    knows_two_facts,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_is_given_to_who_is_not_the_person(office: Office, attack: Callable[[Office], None]) -> None:
    attack(office)
    work(office)
    nothing_was_given(office)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_true_person_is_not_held_up_by_it(office: Office, attack: Callable[[Office], None]) -> None:
    """An attacker who files first, in every way: the person's own mail is a case of its own and passes at once."""
    attack(office)
    work(office)
    office.receive(VICTIM, PLAIN)
    identifying.identify(office.app, 2, now=now())
    searching.collect(office.app, 2, attempt=1, now=now())

    case, requests = cases(office)[1]
    assert (case.identity_level, requests[0].state) == (IdentityLevel.L1, State.REVIEW)
    nothing_was_given(office)


# ----------------------------------------------------------------------------------------------------- codes


def test_codes_are_guessed_and_end_after_three_tries(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    code, message_id = code_sent(office)
    for guess in range(5):
        office.receive(VICTIM, f"Koden är {10_000_000 + guess}\n", in_reply_to=message_id)
    office.receive(VICTIM, f"Koden är {code}\n", in_reply_to=message_id)
    nothing_was_given(office)
    assert "code_wrong" in office.only_case().flags


def test_a_code_of_one_case_opens_no_other(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    code, _ = code_sent(office)
    office.receive(
        "Erik Nyström <nagon@other.example>", "Jag vill ha ett registerutdrag. Kundnummer K20003.\n\nErik Nyström\n"
    )
    work(office, 2)
    with office.app.store.transaction() as tx:
        other = tx.outgoing_of_case(2)[-1].message_id
    office.receive("Erik Nyström <erik.nystrom@example.se>", f"Koden är {code}\n", in_reply_to=other)
    nothing_was_given(office, 2)


def test_a_code_that_the_victim_is_talked_into_passing_on(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    code, message_id = code_sent(office)
    office.receive(MALLORY, f"Koden är {code}\n", in_reply_to=message_id)
    nothing_was_given(office)
    assert "code_from_elsewhere" in office.only_case().flags


def test_a_burst_against_one_person_does_not_fill_their_mailbox(office: Office) -> None:
    for number in range(6):
        office.receive(f"Maria Öberg <m{number}@other.example>", CLAIM)
        work(office, number + 1)
    numbers = [case.id or 0 for case, _ in cases(office)]
    with office.app.store.transaction() as tx:
        assert sum(len(tx.challenges(number)) for number in numbers) == 3
    assert suspecting.BURST in cases(office)[-1][0].flags


# ------------------------------------------------------------------------------------------- accounts of one's own


def test_a_shop_account_with_the_victims_phone_and_customer_number_leads_nowhere(office: Office) -> None:
    """W1005: opened with K20001 and her phone, and an address of the attacker's own that the shop has confirmed."""
    with sqlite3.connect(office.data / "webshop.db") as database:  # it has stood for a long time, too
        database.execute("UPDATE accounts SET email_confirmed_at = '2020-01-01' WHERE account_no = 'W1005'")
    office.receive("M. Lory <mallory@example.com>", "Jag vill ha ett registerutdrag.\n\nM. Lory\n")
    work(office)
    with office.app.store.transaction() as tx:
        case = tx.case_by_id(1)
        found = [record for row in tx.search_results(case) for record in records_of(office.app, case, row)]
    certain = {(record.object, record.key) for record in found if record.strength is Strength.CERTAIN}
    assert certain == {("account", "W1005")}
    assert not any(value.value == "asa.lindqvist@example.se" for record in found for value in record.values)


def test_a_fresh_shop_account_proves_nothing_at_all(office: Office) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    with sqlite3.connect(office.data / "webshop.db") as database:
        database.execute("UPDATE accounts SET email_confirmed_at = ? WHERE account_no = 'W1005'", (yesterday,))
    office.receive("M. Lory <mallory@example.com>", "Jag vill ha ett registerutdrag.\n\nM. Lory\n")
    work(office)
    nothing_was_given(office)
    assert "fresh_contact" in office.only_case().flags


def test_a_mailbox_that_several_people_read_opens_nobodys_data(office: Office) -> None:
    """info@ is on file, and our mail server confirms it; any of the firm may have written."""
    office.receive("Ek Maskin <info@ekmaskin.example>", "Jag vill ha ett registerutdrag.\n\nGöran Ek\n")
    work(office)
    nothing_was_given(office)


def test_an_account_of_ones_own_takes_over_no_other_address(office: Office) -> None:
    """Somebody on file, confirmed, asks to have another person's address replaced by their own."""
    office.receive(
        "Tobias Hellström <tobias.hellstrom@example.se>",
        f"Jag har bytt e-postadress. Min gamla adress är {ON_FILE} och min nya är tobias.hellstrom@example.se.\n",
    )
    work(office)
    assert office.requests()[0].state in {State.CLARIFYING, State.IDENTITY, State.TRIAGE}


# ---------------------------------------------------------------------------------------------------- shadows, staff


def test_a_verified_case_is_shown_to_be_shadowed_and_goes_on(office: Office) -> None:
    office.receive(VICTIM, CLAIM)
    work(office)
    office.receive(MALLORY, CLAIM)
    work(office, 2)

    (true, true_requests), (shadow, _) = cases(office)
    assert suspecting.SEVERAL_CASES in true.flags
    assert suspecting.SEVERAL_CASES in shadow.flags
    assert true_requests[0].state == State.REVIEW
    assert true.identity_level == IdentityLevel.L1
    nothing_was_given(office, 2)


def test_a_known_person_from_a_new_address_is_shown_to_staff_only(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    assert suspecting.KNOWN_PERSON_NEW_ADDRESS in office.only_case().flags
    assert [row.kind for row in outgoing(office)] == ["identity_check", "identity_check"]


def test_the_unverified_get_the_same_words_whether_anything_is_held_or_not(office: Office) -> None:
    """Their own mails: compared word for word, without the number of the case."""
    office.receive(MALLORY, CLAIM)
    work(office)
    office.receive(
        "Nils Ingen <nils@other.example>", "Jag vill ha ett registerutdrag. Mitt kundnummer är K99999.\n\nNils Ingen\n"
    )
    work(office, 2)
    texts = []
    for case, _ in cases(office):
        with office.app.store.transaction() as tx:
            rows = tx.outgoing_of_case(case.id or 0)
        key = case_key(case)
        mine = [
            office.app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime)
            .decode()
            .partition("\r\n\r\n")[2]
            for row in rows
            if office.app.vault.unseal(key, f"outbox.recipient:{row.message_id}", row.sealed_recipient).decode()
            != ON_FILE
        ]
        boundary_free = [[line for line in each.split("\r\n") if not line.startswith("--")] for each in mine]
        texts.append(str(boundary_free).replace(case.reference, "CASE"))
    assert texts[0] == texts[1]


def test_a_member_of_staff_is_talked_into_sending_the_code_elsewhere(office: Office) -> None:
    office.receive(MALLORY, CLAIM)
    work(office)
    claimed = Identifier(type=IdentifierType.EMAIL, value="mallory@other.example")
    with pytest.raises(ApprovalError, match="not on file"):
        verifying.send_code(office.app, office.only_case(), office.requests()[0], claimed, actor="anna", now=now())


def test_an_agents_address_is_taken_for_nobodys_but_the_agents(office: Office) -> None:
    asks_as_the_victims_agent(office)
    with pytest.raises(UsageError, match="address of who writes"):
        verifying.verify(
            office.app,
            office.only_case(),
            method=CheckMethod.ID_SHOWN,
            contact="agent@other.example",
            actor="anna",
            now=now(),
        )


def test_a_marketing_stop_is_no_way_in(office: Office) -> None:
    """Art. 21(3) needs no proof; it tells nothing and opens nothing."""
    office.receive(MALLORY, "Jag vill inte ha mer reklam. Mitt kundnummer är K20004.\n\nMaria Öberg\n")
    work(office)
    case = office.only_case()
    assert (case.identity_level, case.search_proven) == (IdentityLevel.L0, False)
    assert planning.contact_points(office.app, case) == (
        Identifier(type=IdentifierType.EMAIL, value="mallory@other.example"),
    )
