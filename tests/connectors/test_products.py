"""Declarations of named products: what is shipped for each, and the five deep ones against doubles (see doubles/)."""

import configparser
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from doubles.described import Double
from doubles.elks import Elks
from doubles.fortnox import Fortnox
from doubles.mailchimp import Mailchimp
from doubles.microsoft365 import ANNA, BO, Microsoft365
from doubles.woocommerce import WooCommerce
from servers.web import serve

from connectors import open_connector, products
from connectors.conformance import READ_AT, identifier
from dsar.connector import Searches
from dsar.declaration import load_declaration, load_register, parse_declaration, unregistered_activities
from dsar.errors import SystemDriftError, SystemUnavailableError
from dsar.model import IdentifierType, PlanStep, Record, RequestedChange, StepAction, Strength

HOME = Path(products.__path__[0])
NAMES = sorted(path.stem for path in HOME.glob("*.toml") if path.stem != "register")
DEEP = {"46elks", "fortnox", "mailchimp", "microsoft365", "woocommerce"}
EMAIL, PHONE, NAME = IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.NAME
PERSONNUMMER, CUSTOMER_NO = IdentifierType.PERSONNUMMER, IdentifierType.CUSTOMER_NO
ERIK = "erik.lindqvist@example.se"
ERIKS_PHONE = "+46707654321"
SECRETS = {"user": "dsar", "password": "pw"}
GRANT = {"client_id": "i", "client_secret": "s", "refresh_token": "r-1", "authorize_url": "http://127.0.0.1/auth"}


# ---------------------------------------------------------------------------------------------------------- all of them


def block(name: str) -> configparser.SectionProxy:
    """The section for settings.ini that stands as a comment at the top of the declaration."""
    head = (HOME / f"{name}.toml").read_text("utf-8").partition(f"# [system.{name}]\n")[2]
    lines = re.match(r"(?:# .+ = .*\n)+", head)
    assert lines
    parser = configparser.ConfigParser()
    parser.read_string(f"[system.{name}]\n" + re.sub(r"^# ", "", lines[0], flags=re.MULTILINE))
    return parser[f"system.{name}"]


@pytest.mark.parametrize("name", NAMES)
def test_a_product_serves_activities_of_the_draft_register(name: str) -> None:
    declared = load_declaration(HOME / f"{name}.toml")

    assert declared.name == name
    assert unregistered_activities(declared, load_register(HOME / "register.toml")) == ()


@pytest.mark.parametrize("name", NAMES)
def test_its_lines_for_the_settings_are_the_options_that_it_needs(name: str, tmp_path: Path) -> None:
    lines = {key.removesuffix("_file"): value for key, value in block(name).items()}
    del lines["connector"], lines["declaration"]
    lines |= {"renewed_token_path": str(tmp_path / "token")} if "renewed_token_path" in lines else {}
    lines |= {"residue_url": "sqlite://"} if "residue_url" in lines else {}

    declared = load_declaration(HOME / f"{name}.toml")

    assert isinstance(open_connector("rest", name=name, declaration=declared, options=lines), Searches)


@pytest.mark.parametrize("name", NAMES)
def test_who_runs_it_is_asked_and_nobody_takes_it_for_tried(name: str) -> None:
    unknown = load_declaration(HOME / f"{name}.toml").unknown

    assert [fact.partition(":")[0] for fact in unknown] == ["status", "processors"]


@pytest.mark.parametrize("name", sorted(set(NAMES) - DEEP))
def test_a_draft_searches_and_changes_nothing(name: str) -> None:
    declared = load_declaration(HOME / f"{name}.toml")

    assert declared.status == "draft, never run"
    for each in declared.objects:
        assert each.find or each.reached_from
        assert (each.erase, each.suppress, each.update, each.residue) == (None, None, {}, ())
        assert each.web is None or (each.web.change, each.web.remove, each.web.anonymise) == (None, (), ())


# ---------------------------------------------------------------------------------------------------------- the doubles

Opening = Callable[..., Any]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Opens the declaration of a product against its double, which must have no fault to find in the end."""
    doubles: list[Double] = []
    with ExitStack() as stack:

        def opened(name: str, double: Double, **options: str) -> Any:
            web = stack.enter_context(serve(double))
            doubles.append(double)
            # What a vendor permits in a second is not what a test waits for.
            text = re.sub(r"rate = \{calls = \d+", "rate = {calls = 5000", (HOME / f"{name}.toml").read_text("utf-8"))
            tokens = {"token_url": f"{web.url}/token", "renewed_token_path": str(tmp_path / "token")}
            if double.grant:
                options |= GRANT | tokens if name == "fortnox" else {"client_id": "i", "client_secret": "s"} | tokens
            else:
                options |= SECRETS
            declared = parse_declaration(text, source=name)
            return open_connector(
                "rest", name=name, declaration=declared, options={"url": web.url, "changes": "on", **options}
            )

        yield opened
    assert [fault for double in doubles for fault in double.faults] == []


def found(system: Any, type_: IdentifierType, text: str) -> dict[tuple[str, str], Record]:
    answer = system.search([identifier(type_, text)], read_at=READ_AT)
    assert answer.complete
    return {(record.object, record.key): record for record in answer.records}


def certain(records: dict[tuple[str, str], Record]) -> set[tuple[str, str]]:
    return {place for place, record in records.items() if record.strength is Strength.CERTAIN}


def value(record: Record, path: str) -> str:
    return next((each.value for each in record.values if each.path == path), "")


def carry_out(system: Any, steps: Sequence[PlanStep]) -> None:
    for step in steps:
        assert not system.verify(step).done
        system.apply(step, key="case-1")
        system.apply(step, key="case-1")
        assert system.verify(step).done, step


def changed(field: str, new: str) -> list[RequestedChange]:
    return [RequestedChange(field=field, old=None, new=new, valid_from=None)]


# -------------------------------------------------------------------------------------------------------------- Fortnox

OF_ERIK = {("customer", "K1"), ("invoice", "1"), ("order", "7")}


@pytest.mark.parametrize(
    ("type_", "text"),
    [(EMAIL, ERIK), (PHONE, ERIKS_PHONE), (PERSONNUMMER, "19121212-1212"), (CUSTOMER_NO, "K1")],
)
def test_fortnox_finds_the_same_from_every_identifier(opening: Opening, type_: IdentifierType, text: str) -> None:
    records = found(opening("fortnox", Fortnox()), type_, text)

    assert certain(records) == OF_ERIK


def test_fortnox_makes_the_company_that_has_his_address_a_candidate(opening: Opening) -> None:
    records = found(opening("fortnox", Fortnox()), EMAIL, ERIK)

    assert set(records) - certain(records) == {("customer", "K2"), ("supplier", "9")}


def test_fortnox_is_read_to_the_last_page(opening: Opening) -> None:
    assert set(found(opening("fortnox", Fortnox(others=600)), NAME, "Ylva Sist")) == {("customer", "K9")}


def test_fortnox_asks_again_when_it_is_told_to_wait(opening: Opening) -> None:
    double = Fortnox()
    double.busy = [429]

    assert certain(found(opening("fortnox", double), CUSTOMER_NO, "K1")) == OF_ERIK


def test_fortnox_tells_what_only_the_whole_document_holds(opening: Opening) -> None:
    invoice = found(opening("fortnox", Fortnox()), CUSTOMER_NO, "K1")["invoice", "1"]

    assert (value(invoice, "rows"), value(invoice, "email")) == ("Toner svart", "erik@work.example")
    assert (invoice.keep_until and invoice.keep_until.isoformat(), value(invoice, "paid")) == ("2033-12-31", "1")


def test_fortnox_corrects_one_field_and_no_other(opening: Opening) -> None:
    double = Fortnox()
    system = opening("fortnox", double)
    before = dict(double.row("customers", "K1") or {})
    records = [found(system, CUSTOMER_NO, "K1")["customer", "K1"]]

    carry_out(system, system.plan_update(records, changed("email", "erik@example.org")))

    assert double.row("customers", "K1") == before | {"Email": "erik@example.org"}


def test_fortnox_overwrites_the_customer_and_keeps_the_invoice_by_law(opening: Opening) -> None:
    double = Fortnox()
    system = opening("fortnox", double)
    records = [found(system, CUSTOMER_NO, "K1")[place] for place in sorted(OF_ERIK)]

    steps = {step.object: step for step in system.plan_erase(records)}
    carry_out(system, [steps["customer"]])

    assert {name: step.action for name, step in steps.items()} == {
        "customer": StepAction.ANONYMISE,
        "invoice": StepAction.KEEP,
        "order": StepAction.TASK,
    }
    assert not re.search("erik|707|121212|väster", str(double.row("customers", "K1")), re.IGNORECASE)


def test_fortnox_waits_for_an_unpaid_invoice(opening: Opening) -> None:
    double = Fortnox()
    double.rows["invoices"][0]["Balance"] = 995.0
    system = opening("fortnox", double)

    steps = system.plan_erase(list(found(system, CUSTOMER_NO, "K1").values()))

    assert {step.object: step.action for step in steps}["customer"] is StepAction.TASK


# --------------------------------------------------------------------------------------------------------------- 46elks


def test_46elks_finds_what_went_to_a_number_and_what_came_from_it(opening: Opening) -> None:
    records = found(opening("46elks", Elks()), PHONE, ERIKS_PHONE)

    assert set(records) == {("sms", "s0"), ("sms", "s151"), ("mms", "m1")}
    assert value(records["sms", "s0"], "message") == "Stopp tack /Erik"


def test_46elks_leaves_erasing_to_a_person(opening: Opening) -> None:
    system = opening("46elks", Elks())

    steps = system.plan_erase(list(found(system, PHONE, ERIKS_PHONE).values()))

    assert {step.action for step in steps} == {StepAction.TASK}


# ------------------------------------------------------------------------------------------------------------ Mailchimp


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (EMAIL, ERIK, {"a1:c1", "a2:c2"}),  # archived in the second
        (PHONE, ERIKS_PHONE, {"a1:c1"}),
        (NAME, "Erik Lindqvist", {"a1:c1", "a1:c3"}),
        (EMAIL, "p1099@example.org", {"a1:c1099"}),
        (EMAIL, "nobody@example.se", set()),
    ],
)
def test_mailchimp_is_searched_in_every_audience(
    opening: Opening, type_: IdentifierType, text: str, expected: set[str]
) -> None:
    assert {key for _, key in found(opening("mailchimp", Mailchimp()), type_, text)} == expected


def test_mailchimp_tells_notes_and_activity(opening: Opening) -> None:
    member = found(opening("mailchimp", Mailchimp()), EMAIL, ERIK)["member", "a1:c1"]

    assert value(member, "notes") == "Vill ha erbjudanden om toner"
    assert value(member, "activity") == "2026-03-02T08:00:00+00:00 open"


def test_mailchimp_erases_for_good_and_does_not_archive(opening: Opening) -> None:
    double = Mailchimp()
    system = opening("mailchimp", double)

    carry_out(system, system.plan_erase(list(found(system, EMAIL, ERIK).values())))

    assert ERIK not in str(double.members).lower()
    assert found(system, EMAIL, ERIK) == {}


def test_mailchimp_knows_a_contact_again_whose_address_was_corrected(opening: Opening) -> None:
    double = Mailchimp()
    system = opening("mailchimp", double)
    records = [found(system, EMAIL, ERIK)["member", "a1:c1"]]
    checksum = value(records[0], "id")

    carry_out(system, system.plan_update(records, changed("email", "erik@example.org")))

    (record,) = found(system, EMAIL, "erik@example.org").values()
    assert (record.key, value(record, "FNAME")) == ("a1:c1", "Erik")
    assert value(record, "id") != checksum == hashlib.md5(ERIK.encode(), usedforsecurity=False).hexdigest()


def test_mailchimp_stops_the_newsletter_where_it_is_still_sent(opening: Opening) -> None:
    double = Mailchimp()
    system = opening("mailchimp", double)

    steps = system.plan_suppress(list(found(system, EMAIL, ERIK).values()))
    carry_out(system, steps)

    assert [step.key for step in steps] == ["a1:c1"]  # in the other audience the contact is archived
    assert [row["status"] for row in double.members[:2]] == ["unsubscribed", "archived"]


def test_mailchimp_erases_nothing_that_was_changed_meanwhile(opening: Opening) -> None:
    double = Mailchimp()
    system = opening("mailchimp", double)
    (step, *_) = system.plan_erase([found(system, EMAIL, ERIK)["member", "a1:c1"]])
    double.members[0]["merge_fields"]["LNAME"] = "Ek"

    with pytest.raises(SystemDriftError):
        system.apply(step, key="case-1")


# ---------------------------------------------------------------------------------------------------------- WooCommerce


@pytest.fixture
def statistics(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The tables of the shop's database that its API does not show."""
    connection = sqlite3.connect(tmp_path / "shop.db")
    connection.executescript("""
        CREATE TABLE wp_wc_orders (id INTEGER PRIMARY KEY, ip_address TEXT, user_agent TEXT);
        CREATE TABLE wp_wc_order_stats (order_id INTEGER PRIMARY KEY, customer_id INTEGER);
        CREATE TABLE wp_wc_customer_lookup (customer_id INTEGER PRIMARY KEY, user_id INTEGER, username TEXT,
            first_name TEXT, last_name TEXT, email TEXT, postcode TEXT, city TEXT);
        INSERT INTO wp_wc_orders VALUES (71, '192.0.2.7', 'Mozilla'), (72, '192.0.2.7', 'Mozilla'),
            (73, '192.0.2.9', 'M');
        INSERT INTO wp_wc_order_stats VALUES (71, 1), (72, 2), (73, 3);
        INSERT INTO wp_wc_customer_lookup VALUES
            (1, 7, 'erik', 'Erik', 'Lindqvist', 'erik.lindqvist@example.se', '311 31', 'Falkenberg'),
            (2, NULL, '', 'Erik', 'Lindqvist', 'erik.privat@example.org', '311 31', 'Falkenberg'),
            (3, 8, 'other', 'Erik', 'Lindqvist', 'erik@example.net', '302 43', 'Halmstad');
    """)
    yield connection
    connection.close()


def test_woocommerce_finds_whoever_has_another_role_than_customer(opening: Opening) -> None:
    records = found(opening("woocommerce", WooCommerce()), EMAIL, ERIK)

    assert set(records) == {("customer", "7"), ("order", "71")}


def test_woocommerce_finds_the_order_of_a_guest_by_phone(opening: Opening) -> None:
    records = found(opening("woocommerce", WooCommerce()), PHONE, ERIKS_PHONE)

    assert set(records) == {("customer", "7"), ("order", "71"), ("order", "72")}


def test_woocommerce_lets_nothing_be_certain_that_anybody_could_type(opening: Opening) -> None:
    assert certain(found(opening("woocommerce", WooCommerce()), EMAIL, ERIK)) == set()


def test_woocommerce_is_read_to_the_last_page(opening: Opening) -> None:
    assert set(found(opening("woocommerce", WooCommerce()), EMAIL, "p349@example.org")) == {("customer", "349")}


def test_woocommerce_tells_the_notes_about_an_order(opening: Opening) -> None:
    order = found(opening("woocommerce", WooCommerce()), EMAIL, ERIK)["order", "71"]

    assert value(order, "notes") == "Erik hämtar själv\nBetald"


def test_woocommerce_is_erased_with_its_orders_and_statistics(
    opening: Opening, statistics: sqlite3.Connection, tmp_path: Path
) -> None:
    double = WooCommerce()
    system = opening("woocommerce", double, residue_url=f"sqlite:///{tmp_path / 'shop.db'}")

    carry_out(system, system.plan_erase(list(found(system, PHONE, ERIKS_PHONE).values())))

    assert not re.search("erik|707|väster|hämtar", str([double.orders[:2], double.notes]), re.IGNORECASE)
    assert [row["id"] for row in double.customers if row["last_name"] == "Lindqvist"] == [8]
    assert statistics.execute("SELECT id FROM wp_wc_orders WHERE ip_address <> ''").fetchall() == [(73,)]
    assert statistics.execute("SELECT customer_id FROM wp_wc_customer_lookup WHERE email <> ''").fetchall() == [(3,)]


def test_woocommerce_without_its_database_leaves_the_rest_to_a_person(opening: Opening) -> None:
    system = opening("woocommerce", WooCommerce())

    steps = system.plan_erase(list(found(system, EMAIL, ERIK).values()))

    assert [step.object for step in steps if step.action is StepAction.TASK] == ["order", "order", "customer"]


def test_woocommerce_waits_for_an_order_that_is_not_finished(opening: Opening) -> None:
    double = WooCommerce()
    double.orders[0]["status"] = "processing"
    system = opening("woocommerce", double)

    steps = system.plan_erase(list(found(system, EMAIL, ERIK).values()))

    assert {step.action for step in steps} == {StepAction.TASK}


def test_woocommerce_corrects_a_phone_in_the_address_alone(opening: Opening) -> None:
    double = WooCommerce()
    system = opening("woocommerce", double)
    before = dict(double.customers[0]["billing"])
    records = [found(system, EMAIL, ERIK)["customer", "7"]]

    carry_out(system, system.plan_update(records, changed("phone", "+46701740699")))

    assert double.customers[0]["billing"] == before | {"phone": "+46701740699"}


# -------------------------------------------------------------------------------------------------------- Microsoft 365

CARDS = {("contact", f"{ANNA}:AAMk1="), ("contact_in_folder", f"{BO}:f1:AAMk2=")}


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        (EMAIL, ERIK, {("user", "u3"), ("contact", f"{ANNA}:AAMk1="), ("message", f"{ANNA}:AAQk1=")}),
        (PHONE, ERIKS_PHONE, CARDS),
        (PERSONNUMMER, "19121212-1212", {("message", f"{ANNA}:AAQk1=")}),
        (NAME, "Erik Lindqvist", {("user", "u3"), *CARDS}),
        (EMAIL, "p259@example.org", {("contact", f"{ANNA}:AAMk259=")}),
    ],
)
def test_microsoft_365_is_searched_in_every_mailbox(
    opening: Opening, type_: IdentifierType, text: str, expected: set[tuple[str, str]]
) -> None:
    assert set(found(opening("microsoft365", Microsoft365()), type_, text)) == expected


def test_microsoft_365_says_in_whose_address_book_a_card_is(opening: Opening) -> None:
    card = found(opening("microsoft365", Microsoft365()), PHONE, ERIKS_PHONE)["contact_in_folder", f"{BO}:f1:AAMk2="]

    assert (value(card, "mailbox"), value(card, "folder")) == (BO, "f1")


def test_microsoft_365_never_makes_a_mail_certain(opening: Opening) -> None:
    records = found(opening("microsoft365", Microsoft365()), EMAIL, ERIK)

    assert certain(records) == {("user", "u3"), ("contact", f"{ANNA}:AAMk1=")}


def test_microsoft_365_hands_over_what_is_attached_to_a_mail(opening: Opening) -> None:
    system = opening("microsoft365", Microsoft365())
    mail = found(system, EMAIL, ERIK)["message", f"{ANNA}:AAQk1="]

    assert [document.name for document in mail.documents] == ["avtal.txt"]
    assert system.fetch(mail, mail.documents[0]) == b"Avtal"


def test_microsoft_365_with_more_hits_than_its_search_gives_is_a_failed_read(opening: Opening) -> None:
    double = Microsoft365()
    one = double.mail[ANNA][0]
    double.mail[ANNA] = [{**one, "id": f"AAQk{number}="} for number in range(1200)]
    system = opening("microsoft365", double)

    with pytest.raises(SystemUnavailableError):
        found(system, EMAIL, ERIK)


def test_microsoft_365_removes_cards_and_mails_and_tells_what_exchange_keeps(opening: Opening) -> None:
    double = Microsoft365()
    system = opening("microsoft365", double)
    records = found(system, EMAIL, ERIK) | found(system, PHONE, ERIKS_PHONE)

    steps = system.plan_erase(list(records.values()))
    carry_out(system, [step for step in steps if step.action is StepAction.ERASE])

    assert "erik" not in str([double.contacts, double.mail[ANNA][:1]]).lower().replace("erik är snäll", "")
    tasks = [step.object for step in steps if step.action is StepAction.TASK]
    assert sorted(tasks) == ["contact", "contact_in_folder", "message", "user"]


def test_microsoft_365_corrects_a_phone_in_one_address_book(opening: Opening) -> None:
    double = Microsoft365()
    system = opening("microsoft365", double)
    records = [record for record in found(system, PHONE, ERIKS_PHONE).values() if record.object == "contact"]

    carry_out(system, system.plan_update(records, changed("phone", "+46701740699")))

    assert [card["mobilePhone"] for card in (double.contacts[ANNA][0], double.contacts[f"{BO}/f1"][0])] == [
        "+46701740699",
        "+46707654321",
    ]
