"""What staff do to make sure who asks: checks, facts, mandates, codes by SMS and letter; nothing shown is kept."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office
from pypdf import PdfReader
from servers.sms import PASSWORD, USER, SmsDouble
from test_challenging import code_sent, recipients

from dsar.casework import answering, challenging, codes, confirming, identifying, representing, searching, verifying
from dsar.casework.context import subject_of
from dsar.casework.representing import Mandate
from dsar.errors import ApprovalError, SmsUnavailableError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import Identifier, IdentifierType, IdentityLevel, Requester

UNKNOWN = "Maria Öberg <maria@other.example>"
SENDER = "Maria Öberg <maria.oberg@example.se>"
ON_FILE = "maria.oberg@example.se"
REQUEST = "Jag vill ha ett registerutdrag. Mitt kundnummer är K20004.\n\nMaria Öberg\n"
AGENT = "Lisa Brandt <lisa@brandtlaw.example>"
FOR_MARIA = (
    "Undertecknad är ombud för Maria Öberg. För min klients räkning begär jag ett registerutdrag.\n\nLisa Brandt\n"
)
MOBILE = Identifier(type=IdentifierType.PHONE, value="+46701740608")
EMAIL = Identifier(type=IdentifierType.EMAIL, value=ON_FILE)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def gateway() -> Iterator[SmsDouble]:
    with SmsDouble() as opened:
        yield opened


def with_sms(folder: Path, gateway: SmsDouble):  # type: ignore[no-untyped-def]  # noqa: ANN201
    lines = f"provider = 46elks\nurl = {gateway.elks_url}\nuser = {USER}\npassword = {PASSWORD}\nsender = Xelent\n"
    return open_office(folder, more={"sms": lines})


def fact(kind: str, value: str) -> Identifier:
    return Identifier(type=IdentifierType(kind), value=value)


def sort_out(office: Office) -> None:
    """A person says that the mail of an agent is a request."""
    from dsar.casework import sorting
    from dsar.model import Right

    if office.requests()[0].state == State.TRIAGE:
        sorting.sort_case(office.app, office.only_case(), [Right.ACCESS], actor="anna", now=now())


def events(office: Office) -> list[tuple[str, dict[str, str]]]:
    with office.app.store.transaction() as tx:
        return [(event.name, event.detail) for event in tx.events(1)]


# ---------------------------------------------------------------------------------------------------- recorded checks


def test_a_failed_check_is_recorded_and_lifts_nothing(office: Office) -> None:
    office.receive(UNKNOWN, REQUEST)
    level = verifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.CALL_BACK,
        contact=ON_FILE,
        passed=False,
        actor="anna",
        now=now(),
    )
    assert (level, office.only_case().flags) == (IdentityLevel.L0, ["check_failed"])
    assert ("verified", {"method": "call_back", "result": "failed"}) in events(office)


def call_back(office: Office, number: Identifier | None) -> IdentityLevel:
    return verifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.CALL_BACK,
        contact=None,
        phone=number,
        actor="anna",
        now=now(),
    )


def test_a_call_to_the_number_on_file_proves_it_and_is_recorded_without_it(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    assert call_back(office, MOBILE) == IdentityLevel.L2
    assert ("verified", {"method": "call_back", "result": "passed", "level": "L2"}) in events(office)
    assert MOBILE in subject_of(office.app, office.only_case()).proven
    assert not any("1740608" in str(each) for each in events(office))


@pytest.mark.parametrize(
    "number",
    [
        "+46701740699",  # nobody's: as the mail gives it
        "+46701740607",  # on file, of somebody else
    ],
)
def test_a_call_to_another_number_proves_nothing_and_is_shown(office: Office, number: str) -> None:
    """Whoever asks would choose who answers."""
    office.receive(UNKNOWN, REQUEST + f"Ring mig på {number}.\n")
    with pytest.raises(ApprovalError, match="not on file for this person"):
        call_back(office, Identifier(type=IdentifierType.PHONE, value=number))
    case = office.only_case()
    assert (case.identity_level, case.flags) == (IdentityLevel.L0, ["check_failed"])
    assert ("verified", {"method": "call_back", "result": "number_not_on_file"}) in events(office)


def test_a_call_back_names_the_number_that_was_called(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    with pytest.raises(UsageError, match="--phone"):
        call_back(office, None)


def test_a_check_in_review_searches_again_with_the_contact_that_it_proves(office: Office) -> None:
    """What was found for one contact point is not the answer for another."""
    office.receive(SENDER, REQUEST)
    identifying.identify(office.app, 1, now=now())
    searching.collect(office.app, 1, attempt=1, now=now())
    assert office.requests()[0].state == State.REVIEW

    verifying.verify(
        office.app,
        office.only_case(),
        method=CheckMethod.ID_SHOWN,
        contact="maria@ny.example",
        actor="anna",
        now=now(),
    )
    assert office.requests()[0].state == State.SEARCHING
    with office.app.store.transaction() as tx:
        assert any(work.step == "search" for work in tx.work())


# ------------------------------------------------------------------------------------------------------------ facts


def facts_of_maria(office: Office) -> tuple[Identifier, Identifier]:
    """An invoice number and a customer number that the business system has for her."""
    import sqlite3

    with sqlite3.connect(office.data / "business.db") as database:
        database.execute(
            "INSERT INTO invoices VALUES ('F-9001', 'K20004', '2026-01-02', 'Maria', 'Gatan', 'Stol', '10', 'B')"
        )
    return fact("order_no", "F-9001"), fact("customer_no", "K20004")


def test_two_facts_lift_a_contact_point_on_file_to_l2(office: Office) -> None:
    facts = facts_of_maria(office)
    office.receive(SENDER, "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n")
    identifying.identify(office.app, 1, now=now())

    assert verifying.compare_facts(office.app, office.only_case(), facts, actor="anna", now=now())

    case = office.only_case()
    assert (case.identity_level, case.identity_method) == (IdentityLevel.L2, "shared_facts")
    assert not any("9001" in str(each) or "K20004" in str(each) for each in events(office))


ALL = "Jag vill ha ett registerutdrag över alla personuppgifter som ni har om mig."


def known_facts(office: Office, invoice: str) -> None:
    """An invoice with this number and a printer, on file for Maria."""
    import sqlite3

    with sqlite3.connect(office.data / "business.db") as database:
        columns = ("2026-01-02", "Maria", "Gatan", "Stol", "10", "B")
        database.execute("INSERT INTO invoices VALUES (?, 'K20004', ?, ?, ?, ?, ?, ?)", (invoice, *columns))
        database.execute("INSERT INTO equipment VALUES (99, 'K20004', 'HL-1', '4CE0460D0G', 'S', '2026-01-02')")


@pytest.mark.parametrize(
    ("invoice", "written"),
    [
        ("F-9001", "Mitt kundnummer är K20004. Ordernummer F-9001."),
        ("12345", "Kundnr K20004, ordernr 12345."),
        ("10023", "Kundnummer K20004. Det gäller faktura 10023."),
        ("10023", "Jag har faktura nr 10023 och en skrivare med S/N 4CE0460D0G."),
        ("10023", "Fakturanr: 10023\nSerienummer: 4CE0460D0G"),
        ("10023", "Min senaste faktura hade numret 10023, och skrivaren har serienr 4ce0460d0g."),
        ("10023", "Skrivaren (SN: 4CE0460D0G) köptes på fakturan 10023."),
        ("10023", "My invoice no. is 10023 and the printer has serial number 4CE0460D0G."),
        ("12345", "Order #12345, customer number K20004."),
    ],
)
def test_what_the_requester_writes_is_compared_without_staff(office: Office, invoice: str, written: str) -> None:
    known_facts(office, invoice)
    office.receive(SENDER, f"{ALL}\n{written}\n\nMaria Öberg\n")
    identifying.identify(office.app, 1, now=now())
    verifying.compare_stated(office.app, 1, now=now())
    assert (office.only_case().identity_level, office.only_case().identity_method) == (
        IdentityLevel.L2,
        "shared_facts",
    )


@pytest.mark.parametrize("written", ["Kundnr K20004, ordernr 54321.", "Kundnr K20004. Jag betalade 12345 kronor."])
def test_wrong_or_unlabelled_numbers_are_no_facts(office: Office, written: str) -> None:
    known_facts(office, "12345")
    office.receive(SENDER, f"{ALL}\n{written}\n\nMaria Öberg\n")
    identifying.identify(office.app, 1, now=now())
    verifying.compare_stated(office.app, 1, now=now())
    assert office.only_case().identity_level == IdentityLevel.L1


def test_facts_alone_prove_nothing(office: Office) -> None:
    """They leak: 1&1, Art. 32."""
    facts = facts_of_maria(office)
    office.receive(UNKNOWN, REQUEST)
    with pytest.raises(ApprovalError, match="only together with a contact point on file"):
        verifying.compare_facts(office.app, office.only_case(), facts, actor="anna", now=now())


def test_a_third_wrong_guess_is_the_last_even_at_once(office: Office) -> None:
    office.receive(SENDER, "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n")
    identifying.identify(office.app, 1, now=now())
    wrong = (fact("order_no", "F-1"), fact("customer_no", "K1"))
    results: list[object] = []

    def guess() -> None:
        try:
            case = office.only_case()
            results.append(verifying.compare_facts(office.app, case, wrong, actor="anna", now=now()))
        except ApprovalError:
            results.append("refused")

    threads = [threading.Thread(target=guess) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, results)) == ["False", "False", "False", "refused", "refused"]
    assert "facts_wrong" in office.only_case().flags


def test_one_kind_of_fact_is_not_two(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    with pytest.raises(UsageError, match="two facts of different kinds"):
        verifying.compare_facts(office.app, office.only_case(), [fact("serial", "A")], actor="anna", now=now())


# --------------------------------------------------------------------------------------------------------- mandates


def take(
    office: Office,
    *,
    to_agent: bool = False,
    person: Identifier = EMAIL,
    mandate: Mandate = Mandate.POWER_OF_ATTORNEY,
) -> IdentityLevel:
    return representing.take_mandate(
        office.app,
        office.only_case(),
        mandate=mandate,
        person=person,
        to_agent=to_agent,
        actor="anna",
        now=now(),
    )


@pytest.mark.parametrize(("to_agent", "recipient"), [(False, ON_FILE), (True, "lisa@brandtlaw.example")])
def test_the_answer_goes_to_whom_the_mandate_says(office: Office, recipient: str, *, to_agent: bool) -> None:
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    assert take(office, to_agent=to_agent) == IdentityLevel.L1
    searching.collect(office.app, 1, attempt=1, now=now())

    case = office.only_case()
    assert answering.recipient_of(office.app, case) == recipient
    assert case.search_proven
    with office.app.store.transaction() as tx:
        (request,) = tx.requests(1)
        assert request.needed_level == IdentityLevel.L2  # she has bought things: she confirms herself, too


def test_the_person_confirms_who_acts_for_them_by_a_code(office: Office) -> None:
    """+ principal at the address on file."""
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    take(office, to_agent=True)
    searching.collect(office.app, 1, attempt=1, now=now())
    verifying.send_code(office.app, office.only_case(), office.requests()[0], EMAIL, actor="anna", now=now())
    code, message_id = code_sent(office)
    assert recipients(office) == [ON_FILE]

    office.receive(SENDER, f"Koden är {code}\n", in_reply_to=message_id)

    assert office.only_case().identity_level == IdentityLevel.L2


def found_for_agent(office: Office, *, mandate: Mandate = Mandate.POWER_OF_ATTORNEY) -> None:
    """Staff have seen the mandate, and the systems were searched."""
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    take(office, to_agent=True, mandate=mandate)
    searching.collect(office.app, 1, attempt=1, now=now())


def test_the_person_is_asked_at_the_address_on_file_without_staff_and_once(office: Office) -> None:
    found_for_agent(office)
    for _ in range(2):
        representing.ask_principal(office.app, 1, now=now())
    assert (recipients(office), office.requests()[0].state) == ([ON_FILE], State.CLARIFYING)
    code, message_id = code_sent(office)
    office.receive(SENDER, f"Koden är {code}\n", in_reply_to=message_id)
    assert office.only_case().identity_level == IdentityLevel.L2
    assert answering.recipient_of(office.app, office.only_case()) == "lisa@brandtlaw.example"


def test_the_agent_cannot_confirm_for_the_person(office: Office) -> None:
    found_for_agent(office)
    representing.ask_principal(office.app, 1, now=now())
    code, message_id = code_sent(office)
    office.receive(AGENT, f"Koden är {code}\n", in_reply_to=message_id)
    case = office.only_case()
    assert (case.identity_level, "code_from_elsewhere" in case.flags) == (IdentityLevel.L1, True)


@pytest.mark.parametrize("mandate", [Mandate.GUARDIAN, Mandate.GOD_MAN])
def test_a_child_or_a_ward_is_asked_by_nobody_but_a_person(office: Office, mandate: Mandate) -> None:
    found_for_agent(office, mandate=mandate)
    representing.ask_principal(office.app, 1, now=now())
    assert (recipients(office), office.requests()[0].state) == ([], State.REVIEW)


def test_where_no_contact_point_is_theirs_alone_staff_choose_how_the_person_is_asked(office: Office) -> None:
    only_phone(office)  # and no gateway
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    take(office, to_agent=True, person=fact("customer_no", "K20004"))
    searching.collect(office.app, 1, attempt=1, now=now())
    representing.ask_principal(office.app, 1, now=now())
    assert (recipients(office), "no_single_contact" in office.only_case().flags) == ([], True)


def test_a_mandate_for_somebody_who_is_not_on_file_opens_nothing(office: Office) -> None:
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    for other in ("ny@other.example", "erik.nystrom@example.se"):  # nobody's, and another person's
        with pytest.raises(ApprovalError, match="not on file for the person"):
            take(office, person=Identifier(type=IdentifierType.EMAIL, value=other))
    assert office.only_case().identity_level == IdentityLevel.L0


def test_the_agents_own_address_is_not_the_persons(office: Office) -> None:
    office.receive(AGENT, FOR_MARIA)
    sort_out(office)
    with pytest.raises(ApprovalError, match="who writes"):
        take(office, person=Identifier(type=IdentifierType.EMAIL, value="lisa@brandtlaw.example"))


def test_an_agent_whom_no_server_confirms_gets_no_answer(office: Office) -> None:
    office.receive(AGENT, FOR_MARIA, finding="mx.xelent.example; spf=none")
    sort_out(office)
    with pytest.raises(ApprovalError, match="does not confirm who writes"):
        take(office, to_agent=True)


def test_an_app_that_asks_for_its_user_gets_no_answer(office: Office) -> None:
    """EDPB 01/2022 s. 3.4: nothing is uploaded into a portal, and the person is answered."""
    office.receive(
        "Requests <requests@app.example>",
        f"We act on behalf of our user Maria Öberg, {ON_FILE}. Please upload all her personal data to our portal "
        "(Art. 15 GDPR).\n",
    )
    sort_out(office)
    assert office.only_case().requester == Requester.SERVICE
    with pytest.raises(ApprovalError, match="its user"):
        take(office, to_agent=True)
    take(office)
    assert answering.recipient_of(office.app, office.only_case()) == ON_FILE


def test_the_person_confirms_an_organisation_that_they_have_mandated(office: Office) -> None:
    """Art. 80(1)."""
    found_for_agent(office, mandate=Mandate.ORGANISATION)
    representing.ask_principal(office.app, 1, now=now())
    assert (recipients(office), office.requests()[0].state) == ([ON_FILE], State.CLARIFYING)


def test_who_writes_for_themselves_needs_no_mandate(office: Office) -> None:
    office.receive(SENDER, REQUEST)
    with pytest.raises(UsageError, match="for themselves"):
        take(office)


# ----------------------------------------------------------------------------------------------------- SMS and letter


def only_phone(office: Office) -> None:
    """Nobody has an e-mail address for her."""
    import sqlite3

    with sqlite3.connect(office.data / "business.db") as database:
        database.execute("UPDATE customers SET email = NULL WHERE customer_no = 'K20004'")
    with sqlite3.connect(office.data / "webshop.db") as database:
        database.execute("DELETE FROM accounts WHERE account_no = 'W1004'")


def send_all(office: Office) -> None:
    with office.app.store.transaction() as tx:
        due = [work.subject_id for work in tx.work() if work.step == "send_sms"]
    for challenge_id in due:
        codes.send_sms(office.app, challenge_id, attempt=1, now=now())


def test_a_code_goes_to_the_mobile_on_file_where_no_address_is(tmp_path: Path, gateway: SmsDouble) -> None:
    with with_sms(tmp_path, gateway) as office:
        only_phone(office)
        office.receive(UNKNOWN, REQUEST)
        identifying.identify(office.app, 1, now=now())
        challenging.challenge(office.app, 1, now=now())
        send_all(office)
        send_all(office)  # a repeated step sends nothing twice
        (message,) = gateway.taken
        (code,) = re.findall(r"\b\d{8}\b", message["message"])

        with office.app.store.transaction() as tx:
            (challenge,) = tx.challenges(1)
            letter = tx.outgoing_of_case(1)[-1].message_id
        assert (message["to"], challenge.state, challenge.sealed_text) == (MOBILE.value, "sent", None)
        assert not any(secret in message["message"] for secret in ("Maria", "K20004", "registerutdrag"))

        office.receive("Någon <annan@other.example>", f"Koden är {code}\n", in_reply_to=letter)
        assert office.only_case().identity_level == IdentityLevel.L0  # only from who asked
        office.receive(UNKNOWN, f"Koden är {code}\n", in_reply_to=letter)
        case = office.only_case()
        assert (case.identity_level, case.identity_method) == (IdentityLevel.L1, "sms_code")
        searching.collect(office.app, 1, attempt=1, now=now())
        assert office.requests()[0].needed_level == IdentityLevel.L2  # the answer goes to an address that is new to us


def test_a_gateway_that_cuts_the_line_gets_no_second_code(tmp_path: Path, gateway: SmsDouble) -> None:
    gateway.behave = "broken"
    with with_sms(tmp_path, gateway) as office:
        only_phone(office)
        office.receive(UNKNOWN, REQUEST)
        identifying.identify(office.app, 1, now=now())
        challenging.challenge(office.app, 1, now=now())
        send_all(office)
        send_all(office)
        assert len(gateway.taken) == 1
        assert "sms_failed" in office.only_case().flags


def code_by_sms(office: Office) -> None:
    """A code for her waits to be handed to the gateway."""
    only_phone(office)
    office.receive(UNKNOWN, REQUEST)
    identifying.identify(office.app, 1, now=now())
    challenging.challenge(office.app, 1, now=now())


@pytest.mark.parametrize(
    ("behave", "state", "arrived"),
    [
        ("no", "failed", 0),  # 403
        ("poor", "failed", 0),  # 402: no money on the account
        ("failed", "failed", 1),  # taken, and told at once not to be deliverable
        ("broken", "uncertain", 1),
    ],
)
def test_what_the_gateway_does_not_take_for_sure_is_never_sent_twice(
    tmp_path: Path, gateway: SmsDouble, behave: str, state: str, arrived: int
) -> None:
    with with_sms(tmp_path, gateway) as office:
        code_by_sms(office)
        gateway.behave = behave
        send_all(office)
        gateway.behave = "well"
        send_all(office)
        with office.app.store.transaction() as tx:
            (challenge,) = tx.challenges(1)
        assert (challenge.state, challenge.sealed_text, len(gateway.taken)) == (state, None, arrived)
        assert "sms_failed" in office.only_case().flags


@pytest.mark.parametrize("behave", ["slow_down", "busy"])
def test_a_gateway_that_asks_for_patience_gets_the_code_later_and_once(
    tmp_path: Path, gateway: SmsDouble, behave: str
) -> None:
    with with_sms(tmp_path, gateway) as office:
        code_by_sms(office)
        gateway.behave = behave
        with pytest.raises(SmsUnavailableError):
            send_all(office)
        gateway.behave = "well"
        send_all(office)
        send_all(office)
        assert (len(gateway.taken), office.only_case().flags) == (1, ["known_person_new_address"])


def test_a_code_whose_sending_was_killed_half_way_goes_to_no_gateway_again(tmp_path: Path, gateway: SmsDouble) -> None:
    """Nobody knows whether it was handed over."""
    with with_sms(tmp_path, gateway) as office:
        code_by_sms(office)
        with office.app.store.transaction() as tx:
            (challenge,) = tx.challenges(1)
            assert tx.move_challenge(challenge, to="sending", expected="ready")
        send_all(office)
        with office.app.store.transaction() as tx:
            assert [each.state for each in tx.challenges(1)] == ["uncertain"]
        assert (gateway.taken, "sms_failed" in office.only_case().flags) == ([], True)


def test_a_printed_code_proves_the_strongest(office: Office, tmp_path: Path) -> None:
    office.receive(UNKNOWN, REQUEST)
    address = Identifier(type=IdentifierType.ADDRESS, value="Bäckagårdsvägen 51")
    document = verifying.send_code(
        office.app, office.only_case(), office.requests()[0], address, actor="anna", now=now()
    )
    assert document is not None
    file = tmp_path / "code.pdf"
    file.write_bytes(document)
    text = "".join(page.extract_text() for page in PdfReader(file).pages)
    (code,) = re.findall(r"\b\d{8}\b", text)
    assert "K20004" not in text

    office.receive(UNKNOWN, f"Ärende D-2026-00001, kod {code}\n".replace("2026", str(now().year)))

    assert office.only_case().identity_level == IdentityLevel.L3


def test_a_guessed_reference_uses_no_try_up(office: Office) -> None:
    """Whoever knows the number of a case cannot spend the tries of who got the letter."""
    office.receive(UNKNOWN, REQUEST)
    address = Identifier(type=IdentifierType.ADDRESS, value="Bäckagårdsvägen 51")
    verifying.send_code(office.app, office.only_case(), office.requests()[0], address, actor="anna", now=now())
    reference = office.only_case().reference
    for _ in range(4):
        office.receive("Någon <annan@other.example>", f"Ärende {reference}, kod 12345678\n")
    with office.app.store.transaction() as tx:
        assert tx.challenges(1)[0].tries == 0


@pytest.mark.parametrize(
    "contact",
    [
        Identifier(type=IdentifierType.EMAIL, value="maria@other.example"),  # claimed
        Identifier(type=IdentifierType.EMAIL, value="erik.nystrom@example.se"),  # on file, of somebody else
        Identifier(type=IdentifierType.ADDRESS, value="Norra Vallgatan 3"),
    ],
)
def test_no_code_goes_to_what_is_not_on_file_for_the_person(office: Office, contact: Identifier) -> None:
    office.receive(UNKNOWN, REQUEST)
    with pytest.raises(ApprovalError, match="not on file for this person"):
        verifying.send_code(office.app, office.only_case(), office.requests()[0], contact, actor="anna", now=now())


def test_a_code_while_the_closing_waits_takes_the_request_up_again(office: Office) -> None:
    """The true person is never shut out by a letter that nobody has sent yet."""
    office.receive(UNKNOWN, REQUEST)
    identifying.identify(office.app, 1, now=now())
    challenging.challenge(office.app, 1, now=now())
    code, message_id = code_sent(office)
    office.force(office.requests()[0], state=State.REVIEW, decision="unidentified")

    office.receive(SENDER, f"Koden är {code}\n", in_reply_to=message_id)

    (request,) = office.requests()
    assert (request.state, request.decision) == (State.SEARCHING, "")
    assert confirming.TRIES == verifying.FACT_TRIES == 3
