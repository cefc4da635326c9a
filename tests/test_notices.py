"""Whoever was reached by a contact detail that was changed hears of it: by mail, by SMS, or from a person (P3(d))."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office
from servers.sms import PASSWORD, USER, SmsDouble

from connectors.sql import SqlEditor
from dsar.casework import (
    answering,
    approving,
    challenging,
    changing,
    duties,
    identifying,
    noticing,
    searching,
    texting,
    verifying,
)
from dsar.casework.context import App, case_key
from dsar.errors import IdentityNotVerifiedError, SmsUnavailableError, SystemDriftError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import FieldChange, IdentityLevel, PlanStep, StepAction, Text
from dsar.store.tables import Request
from dsar.wiring import open_session

JOHN, ON_FILE = "John Whitfield <john.whitfield@example.com>", "john.whitfield@example.com"
OLD, NEW_ADDRESS = "+46701740606", "john@other.example"
MOVED_PHONE = """Hi, I have a new phone number: +46 70 174 06 88. My old one is +46 70 174 06 06. Please update it.

John Whitfield
"""
UNREAD_CHANGE = "Please correct my phone number, it is wrong.\n\nJohn Whitfield\n"
NEW_BANK = """Please change my bank account to IBAN SE35 5000 0000 0549 1000 0003.
My customer number is K20002.

John Whitfield
"""


@pytest.fixture
def gateway() -> Iterator[SmsDouble]:
    with SmsDouble() as opened:
        yield opened


@pytest.fixture
def office(tmp_path: Path, gateway: SmsDouble) -> Iterator[Office]:
    lines = f"provider = 46elks\nurl = {gateway.elks_url}\nuser = {USER}\npassword = {PASSWORD}\nsender = Xelent\n"
    with open_office(tmp_path, more={"sms": lines}) as opened:
        yield opened


@pytest.fixture
def paying_office(tmp_path: Path) -> Iterator[Office]:
    """The business system knows where its customers' money goes."""
    with open_office(tmp_path) as opened:
        data = opened.data
    with sqlite3.connect(data / "business.db") as database:
        database.execute("ALTER TABLE customers ADD COLUMN bank TEXT")
        database.execute("UPDATE customers SET bank = '6789, 123 456 789' WHERE customer_no = 'K20002'")
    declaration = data / "business.toml"
    text = declaration.read_text("utf-8")
    field = '{column = "bank", label = {sv = "Konto", en = "Account"}, category = "order", asserted_by = "company"'
    at = '  {column = "active", '
    text = text.replace(at, f"  {field}, writable = true}},\n{at}", 1)
    text = text.replace('update = {email = "email", ', 'update = {bank = "bank", email = "email", ', 1)
    declaration.write_text(text, "utf-8")
    with open_session(tmp_path / "settings.ini") as session:
        yield Office(session, tmp_path)


def now() -> datetime:
    return datetime.now(UTC)


def change(office: Office, text: str, *, contact: str = ON_FILE, app: App | None = None) -> None:
    """
    Somebody whom staff have seen in person has something changed, and gets the answer at *contact*.

    Args: app: makes the change; None: that of the office.
    """
    office.receive(JOHN, text)
    identifying.identify(office.app, 1, now=now())
    case, method = office.only_case(), CheckMethod.ID_SHOWN
    verifying.verify(office.app, case, method=method, contact=contact, actor="anna", now=now())
    searching.collect(office.app, 1, attempt=1, now=now())
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=now())
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now())
    changing.apply(app or office.app, request.id or 0, now=now())


#: What a test has a system do when a change is to be made there.
Make = Callable[[SqlEditor, PlanStep, str], None]


class Editor(SqlEditor):
    """A system, but for what it does when a change is to be made."""

    def __init__(self, system: SqlEditor, make: Make) -> None:
        vars(self).update(vars(system))
        self._system, self._make = system, make

    def apply(self, step: PlanStep, *, key: str) -> None:
        self._make(self._system, step, key)


def worker(office: Office, make: Make) -> App:
    """Another process on the data of the office, whose systems make changes so."""
    systems = {name: Editor(each, make) for name, each in office.app.systems.items() if isinstance(each, SqlEditor)}
    assert len(systems) > 1
    return replace(office.app, systems={**office.app.systems, **systems})


def text_all(office: Office, *, attempt: int = 1) -> None:
    """What the worker does with the notices that wait."""
    with office.app.store.transaction() as tx:
        due = [work.subject_id for work in tx.work() if work.step == "notice_sms"]
    for duty_id in due:
        texting.send_notice(office.app, duty_id, attempt=attempt, now=now())


def owed(office: Office) -> list[str]:
    return [duty.key for duty in duties.open_duties(office.app) if duty.kind == "notice"]


def mails(office: Office, kind: str) -> list[str]:
    """To whom the mails of a kind go."""
    case = office.only_case()
    with office.app.store.transaction() as tx:
        rows = [row for row in tx.outgoing_of_case(1) if row.kind == kind]
    unseal = office.app.vault.unseal
    return [unseal(case_key(case), f"outbox.recipient:{row.message_id}", row.sealed_recipient).decode() for row in rows]


# --------------------------------------------------------------------------------------------------- old phone numbers


def test_an_old_mobile_hears_of_its_change_by_sms_once(office: Office, gateway: SmsDouble) -> None:
    change(office, MOVED_PHONE)
    text_all(office)
    text_all(office)
    (message,) = gateway.taken
    assert (message["to"], owed(office)) == (OLD, [])
    assert "If it was not you, write to gdpr@xelent.example" in message["message"]


def test_an_old_mobile_hears_of_its_change_once_if_two_workers_make_it(office: Office, gateway: SmsDouble) -> None:
    """As when one has taken the step over from another that lives."""

    def made_by_both(system: SqlEditor, step: PlanStep, key: str) -> None:
        changing.apply(office.app, 1, now=now())
        system.apply(step, key=key)

    change(office, MOVED_PHONE, app=worker(office, made_by_both))
    text_all(office)
    assert [message["to"] for message in gateway.taken] == [OLD]


def test_an_old_mobile_hears_of_a_change_that_another_worker_was_refused(office: Office, gateway: SmsDouble) -> None:
    """Of two that make it at once the system refuses the later one, whose record has just been changed by the other."""

    def refused(_system: SqlEditor, step: PlanStep, key: str) -> None:
        raise SystemDriftError(step.system, key)

    def made_while_the_other_is_refused(system: SqlEditor, step: PlanStep, key: str) -> None:
        system.apply(step, key=key)
        changing.apply(worker(office, refused), 1, now=now())

    change(office, MOVED_PHONE, app=worker(office, made_while_the_other_is_refused))
    text_all(office)
    assert [message["to"] for message in gateway.taken] == [OLD]


def test_the_notice_names_nobody_and_not_the_new_number(office: Office, gateway: SmsDouble) -> None:
    change(office, MOVED_PHONE)
    text_all(office)
    assert not any(secret in gateway.taken[0]["message"] for secret in ("John", "Whitfield", "0688", "06 88", ON_FILE))


@pytest.mark.parametrize(
    ("behave", "arrived"),
    [
        ("no", 0),
        ("failed", 1),
        ("broken", 1),  # taken, and nobody told us: not again
    ],
)
def test_what_the_gateway_does_not_take_for_sure_is_told_by_a_person(
    office: Office, gateway: SmsDouble, behave: str, arrived: int
) -> None:
    gateway.behave = behave
    change(office, MOVED_PHONE)
    text_all(office)
    gateway.behave = "well"
    text_all(office)
    assert len(gateway.taken) == arrived
    assert [number[-2:] for number in owed(office)] == ["06"]
    assert "sms_failed" in office.only_case().flags


def test_a_gateway_that_was_busy_is_tried_again(office: Office, gateway: SmsDouble) -> None:
    gateway.behave = "busy"
    change(office, MOVED_PHONE)
    with pytest.raises(SmsUnavailableError):
        text_all(office)
    gateway.behave = "well"
    text_all(office, attempt=2)
    assert (len(gateway.taken), owed(office)) == (1, [])


def test_a_gateway_that_stays_busy_leaves_it_to_a_person(office: Office, gateway: SmsDouble) -> None:
    gateway.behave = "busy"
    change(office, MOVED_PHONE)
    text_all(office, attempt=texting.SMS_TRIES)
    assert ("sms_failed" in office.only_case().flags, len(owed(office))) == (True, 1)


# ------------------------------------------------------------------------------------------------------ old addresses

NEW_EMAIL = f"""Hi, my e-mail address has changed. The old one is {ON_FILE} and the new one is {NEW_ADDRESS}.
Please update it.

John Whitfield
"""
#: Its local part needs an extension (SMTPUTF8) that our mail does not use.
BEYOND_MAIL = "jöhn.whitfield@example.com"


def test_an_old_address_that_no_mail_of_ours_reaches_is_told_by_a_person(office: Office) -> None:
    office.receive(JOHN, NEW_EMAIL)
    label = Text(sv="E-post", en="E-mail")
    step = PlanStep(
        system="business",
        object="customer",
        object_label=Text(sv="Kund", en="Customer"),
        key="K20002",
        action=StepAction.UPDATE,
        changes=(FieldChange(path="email", label=label, before=BEYOND_MAIL, after=NEW_ADDRESS),),
    )
    with office.app.store.transaction() as tx:
        case, (request,) = tx.case_by_id(1), tx.requests(1)
        noticing.tell_old_contact_points(office.app, tx, case, request, step, told=(), now=now())
    assert (mails(office, "contact_changed_notice"), owed(office)) == ([], [BEYOND_MAIL])


def test_an_installation_that_sends_no_notices_by_itself_leaves_them_to_a_person(tmp_path: Path) -> None:
    with open_office(tmp_path, more={"automatic": "contact_notice = off\n"}) as office:
        change(office, NEW_EMAIL, contact=NEW_ADDRESS)
        assert (mails(office, "contact_changed_notice"), owed(office)) == ([], [ON_FILE])


# ------------------------------------------------------------------------------------------------------ bank accounts


def searched(office: Office, text: str) -> Request:
    """What somebody asks for, once they were looked for in the systems."""
    office.receive(JOHN, text)
    identifying.identify(office.app, 1, now=now())
    searching.collect(office.app, 1, attempt=1, now=now())
    (request,) = office.requests()
    return request


def test_a_new_bank_account_needs_more_than_a_mail_from_the_address_on_file(paying_office: Office) -> None:
    """Whoever reads the mailbox could have the money sent elsewhere."""
    office = paying_office
    request = searched(office, NEW_BANK)
    assert (office.only_case().identity_level, request.needed_level) == (IdentityLevel.L1, IdentityLevel.L2)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now())
    with pytest.raises(IdentityNotVerifiedError, match="L2"):
        approving.approve(office.app, office.only_case(), request, actor="bo", now=now())


def test_a_change_that_only_a_person_can_read_needs_as_much_as_a_bank_account(paying_office: Office) -> None:
    """It may be one (P4); a person enters it when all is found."""
    office = paying_office
    request = searched(office, UNREAD_CHANGE)
    assert (request.right, request.needed_level) == ("update", IdentityLevel.L2)
    with pytest.raises(IdentityNotVerifiedError, match="L2"):
        answering.done_by_hand(office.app, office.only_case(), request, what="We changed it.", actor="bo", now=now())


def test_a_new_bank_account_asked_for_elsewhere_is_confirmed_at_the_old_address(paying_office: Office) -> None:
    office = paying_office
    office.receive(f"John Whitfield <{NEW_ADDRESS}>", NEW_BANK)
    identifying.identify(office.app, 1, now=now())
    challenging.challenge(office.app, 1, now=now())
    assert (mails(office, "identity_check")[-1], office.requests()[0].state) == (ON_FILE, State.CLARIFYING)


@pytest.mark.parametrize(("contact", "notices"), [(ON_FILE, []), (NEW_ADDRESS, [ON_FILE])])
def test_the_old_address_hears_of_a_new_bank_account(paying_office: Office, contact: str, notices: list[str]) -> None:
    """By the answer, or by a notice where the answer goes to an address that is new to us."""
    office = paying_office
    change(office, NEW_BANK, contact=contact)
    with sqlite3.connect(office.data / "business.db") as database:
        stored = database.execute("SELECT bank FROM customers WHERE customer_no = 'K20002'").fetchone()
    assert stored == ("SE35 5000 0000 0549 1000 0003",)
    assert mails(office, "contact_changed_notice") == notices
