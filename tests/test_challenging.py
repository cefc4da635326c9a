"""One-time codes: what counts as one, how often one may be tried, and that a repeated step sends nothing twice."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office

from dsar.casework import challenging, codes, confirming, identifying, suspecting
from dsar.casework.context import case_key
from dsar.lifecycle import State
from dsar.store import Store, Transaction, migrate
from dsar.store.tables import CaseFile, Challenge, OutboxRow

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

UNKNOWN = "Maria Öberg <maria@other.example>"
ON_FILE = "maria.oberg@example.se"
REQUEST = "Jag vill ha ett registerutdrag. Mitt kundnummer är K20004.\n\nMaria Öberg\n"


# -------------------------------------------------------------------------------------------------------- the code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12345678", "12345678"),
        ("Koden är 1234 5678.", "12345678"),
        ("Code:12345678\nMvh", "12345678"),
        ("först 12345678, sedan 87654321", "12345678"),
        ("1234567", None),
        ("123456789", None),
        ("19780512-2384", None),  # personnummer
        ("+4712345678", None),  # Norwegian phone
        ("070-174 06 08", None),
        ("K20004", None),
        ("AB12345678", None),
        ("１２３４５６７８", None),  # digits of another script
        ("", None),
    ],
)
def test_what_is_read_as_a_code(text: str, code: str | None) -> None:
    assert confirming.code_in(text) == code


@given(st.integers(min_value=0, max_value=89_999_999), st.text(alphabet=" .,:;!\n\t\"'()", max_size=5))
def test_every_code_that_is_made_is_read_again(drawn: int, around: str) -> None:
    """Eight digits whatever is drawn, found whatever punctuation stands around."""
    code = confirming.new_code(lambda below: drawn % below)

    assert re.fullmatch(r"[1-9][0-9]{7}", code)
    assert confirming.code_in(f"{around}{code}{around}") == code


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    found = confirming.code_in(text)
    assert found is None or re.fullmatch("[0-9]{8}", found)


# ------------------------------------------------------------------------------------------------- tries, atomically


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database of each kind with the tables of this version."""
    url = (
        f"sqlite:///{tmp_path}/dsar.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql").new_database()
    )
    opened = Store(url)
    migrate.upgrade(opened.engine)
    yield opened
    opened.close()


def add_challenge(store: Store) -> int:
    with store.transaction() as tx:
        case = tx.add_case(
            CaseFile(reference="D-2026-00001", opened_at=NOW, language="sv", requester="self", sealed_subject=b"")
        )
        row = tx.add_challenge(
            Challenge(
                case_id=case.id or 0,
                digest="0" * 64,
                contact_index="1" * 64,
                sealed_contact=b"",
                created_at=NOW,
                expires_at=NOW + codes.VALID["mail"],
            )
        )
        return row.id or 0


def in_transaction(store: Store, action: Callable[[Transaction, Challenge], bool]) -> bool:
    with store.transaction() as tx:
        (challenge,) = tx.challenges(1)
        return action(tx, challenge)


def take_try(store: Store, now: datetime = NOW) -> bool:
    return in_transaction(store, lambda tx, challenge: tx.take_try(challenge, most=confirming.TRIES, now=now))


def use_up(store: Store) -> bool:
    return in_transaction(store, lambda tx, challenge: tx.use_up(challenge, now=NOW))


def at_once(times: int, action: Callable[[], bool]) -> list[bool]:
    """Results of *action*, begun *times* times at the same moment."""
    barrier = threading.Barrier(times)
    results: list[bool] = []

    def run() -> None:
        barrier.wait()
        results.append(action())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_tries_at_once_count_one_by_one(store: Store) -> None:
    """Of six answers at the same moment exactly three are looked at."""
    add_challenge(store)

    assert sorted(at_once(6, lambda: take_try(store))) == [False] * 3 + [True] * 3


def test_a_code_is_used_up_once(store: Store) -> None:
    """Of four right answers at the same moment exactly one counts, and nothing is looked at afterwards."""
    add_challenge(store)

    assert sorted(at_once(4, lambda: use_up(store))) == [False] * 3 + [True]
    assert not take_try(store)


def test_a_code_is_worth_nothing_after_a_day(store: Store) -> None:
    add_challenge(store)

    assert take_try(store, NOW + codes.VALID["mail"] - MINUTE)
    assert not take_try(store, NOW + codes.VALID["mail"])


# --------------------------------------------------------------------------------------------- asking, step by step


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def identity_steps(office: Office) -> None:
    """What the worker does after a mail was sorted."""
    identifying.identify(office.app, 1, now=datetime.now(UTC))
    challenging.challenge(office.app, 1, now=datetime.now(UTC))


def outgoing(office: Office, kind: str = "identity_check") -> list[OutboxRow]:
    with office.app.store.transaction() as tx:
        return [row for row in tx.outgoing_of_case(1) if row.kind == kind]


def recipients(office: Office) -> list[str]:
    key = case_key(office.only_case())
    return [
        office.app.vault.unseal(key, f"outbox.recipient:{row.message_id}", row.sealed_recipient).decode()
        for row in outgoing(office)
    ]


def code_sent(office: Office) -> tuple[str, str]:
    """The latest code, and the Message-ID of its mail."""
    row = outgoing(office)[-1]
    content = office.app.vault.unseal(case_key(office.only_case()), f"outbox.mime:{row.message_id}", row.sealed_mime)
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    found = re.search(r"\b[0-9]{8}\b", str(part.get_content()))
    assert found is not None
    return found[0], row.message_id


def states(office: Office) -> dict[str, str]:
    return {request.right: request.state for request in office.requests()}


def test_repeated_steps_send_nothing_twice(office: Office) -> None:
    """A worker that died after the commit and before it said so has its steps done again."""
    office.receive(UNKNOWN, REQUEST)
    for _ in range(3):
        identity_steps(office)

    assert recipients(office) == ["maria@other.example", ON_FILE]


def test_the_code_is_stored_as_a_keyed_digest_only(office: Office, tmp_path: Path) -> None:
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    code, _ = code_sent(office)

    stored = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))

    assert code.encode() not in stored
    assert ON_FILE.encode() not in stored


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        (UNKNOWN, "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"),  # name only
        (UNKNOWN, "Jag vill ha ett registerutdrag. Min telefon är 070-1740608.\n\nMaria Öberg\n"),
        (UNKNOWN, "Jag vill ha ett registerutdrag för kontot med användarnamnet maria.oberg.\n\nMaria Öberg\n"),
    ],
    ids=["name", "phone", "username"],
)
def test_what_only_points_at_a_person_sends_no_code(office: Office, sender: str, text: str) -> None:
    """The options letter goes out, and nobody else hears of it."""
    office.receive(sender, text)
    identity_steps(office)

    assert recipients(office) == ["maria@other.example"]
    assert states(office) == {"access": State.CLARIFYING}


def test_a_mailbox_that_several_people_read_gets_no_code(office: Office) -> None:
    office.receive(
        "Göran Ek <goran@other.example>", REQUEST.replace("K20004", "K20014").replace("Maria Öberg", "Göran Ek")
    )
    identity_steps(office)

    assert recipients(office) == ["goran@other.example"]


def test_a_company_address_on_the_same_record_is_not_the_persons_own(office: Office) -> None:
    """The record of a contact person holds her own address and the company's for invoices: the code goes to hers."""
    office.receive("Karin <karin@other.example>", REQUEST.replace("K20004", "K20005").replace("Maria Öberg", "Karin"))
    identity_steps(office)

    assert recipients(office) == ["karin@other.example", "karin.hakansson@example.se"]


def test_a_confirmed_sender_on_file_is_asked_nothing(office: Office) -> None:
    """Art. 12(6): more may be asked only where there are reasonable doubts."""
    office.receive(f"Maria Öberg <{ON_FILE}>", REQUEST)
    identity_steps(office)

    assert outgoing(office) == []
    assert states(office) == {"access": State.SEARCHING}


@pytest.mark.parametrize(
    "text",
    [
        "Jag har skyddad identitet. " + REQUEST,
        "Jag skriver för min son som är 9 år, jag är hans förälder. Jag vill ha ett registerutdrag för honom.\n",
    ],
    ids=["protected", "minor"],
)
def test_protected_identities_and_minors_are_left_to_a_person(office: Office, text: str) -> None:
    office.receive(UNKNOWN, text)
    identity_steps(office)

    assert outgoing(office) == []


def test_an_automatic_reply_with_the_code_confirms_nothing(office: Office) -> None:
    """An absence note that quotes our mail shows that the mailbox exists, not that anybody agreed."""
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    code, message_id = code_sent(office)

    office.receive(
        ON_FILE, f"Jag är på semester. {code}\n", in_reply_to=message_id, headers={"Auto-Submitted": "auto-replied"}
    )

    assert states(office) == {"access": State.CLARIFYING}


def test_an_answer_with_a_customer_number_starts_one_more_round(office: Office) -> None:
    """Who answers with what the letter asks for is looked up again; after two rounds a person goes on."""
    office.receive(UNKNOWN, "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n")
    identity_steps(office)
    first = outgoing(office)[0].message_id
    office.receive(UNKNOWN, "Mitt kundnummer är K20004.\n", in_reply_to=first)
    identity_steps(office)
    assert recipients(office) == ["maria@other.example", "maria@other.example", ON_FILE]

    office.receive(UNKNOWN, "Mitt kundnummer är också K20005.\n", in_reply_to=first)
    identity_steps(office)

    assert len(recipients(office)) == 3
    assert states(office) == {"access": State.IDENTITY}


def test_more_is_sent_to_no_address_than_three_codes_a_day(office: Office) -> None:
    """Codes for strangers' requests must not pester whoever has the address."""
    for number in range(4):
        office.receive(f"Maria Öberg <maria{number}@other.example>", REQUEST)
        challenging_case = number + 1
        identifying.identify(office.app, challenging_case, now=datetime.now(UTC))
        challenging.challenge(office.app, challenging_case, now=datetime.now(UTC))

    with office.app.store.transaction() as tx:
        sent = [len(tx.challenges(case_id)) for case_id in (1, 2, 3, 4)]
        flags = tx.case_by_id(4).flags
    assert sent == [1, 1, 1, 0]
    assert suspecting.BURST in flags


def test_after_a_code_the_claimed_address_has_no_say(office: Office) -> None:
    """The unknown sender cannot change the course of a case that the address on file confirmed."""
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    code, message_id = code_sent(office)
    office.receive(ON_FILE, code, in_reply_to=message_id)

    office.receive(UNKNOWN, "Radera också alla mina uppgifter.\n", in_reply_to=message_id)

    assert set(states(office)) == {"access"}
    assert "follow_up_unknown_sender" in office.only_case().flags


def test_an_address_like_the_one_on_file_is_shown_to_staff_only(office: Office) -> None:
    """What the sender gets stays what every doubtful sender gets, and the code goes to the address on file (P4)."""
    office.receive("Maria Öberg <maria.oberq@example.se>", REQUEST, finding="mx.xelent.example; none")
    identity_steps(office)

    assert suspecting.NEAR_ADDRESS_ON_FILE in office.only_case().flags
    assert recipients(office) == ["maria.oberq@example.se", ON_FILE]


def test_an_address_unlike_the_one_on_file_raises_no_flag(office: Office) -> None:
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    assert suspecting.NEAR_ADDRESS_ON_FILE not in office.only_case().flags
