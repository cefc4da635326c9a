"""What a declaration and the register may say, and how faults are reported."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.declaration import (
    Declaration,
    bookkeeping_until,
    load_declaration,
    load_register,
    parse_declaration,
    unregistered_activities,
)
from dsar.errors import SettingsError
from dsar.model import Text

SAMPLES = Path(__file__).parent.parent / "connectors" / "samples"
PRODUCTS = SAMPLES.parent / "products"

VALID = """\
name = "shop"
kind = "sql"
label = {sv = "Butiken", en = "The shop"}

[[object]]
name = "customer"
label = {sv = "Kund", en = "Customer"}
table = "customers"
key = "no"
activities = ["A1"]
find = [
  {by = "email", columns = ["mail"]},
]
emits = {no = "customer_no"}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact"},
  {column = "since", label = {sv = "Sedan", en = "Since"}, category = "technical"},
]
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        parse_declaration(text, source="shop.toml")
    return list(caught.value.problems)


def with_line(line: str) -> str:
    """VALID with *line* added to its object, before the fields."""
    return VALID.replace("emits =", f"{line}\nemits =")


def test_a_valid_declaration_is_read() -> None:
    declaration = parse_declaration(VALID, source="shop.toml")

    assert declaration.object("customer").field("mail").label == Text(sv="E-post", en="E-mail")
    assert declaration.object("customer").field("mail").asserted_by == "person"  # the weakest unless declared


def test_all_faults_are_reported_at_once_with_file_line_and_key() -> None:
    wrong = (
        VALID.replace('kind = "sql"', 'kind = "sql"\ncolour = "red"')
        .replace('en = "E-mail"', 'en = ""')
        .replace('by = "email"', 'by = "shoe_size"')
        .replace('category = "technical"', 'category = "gossip"')
    )

    found = faults(wrong)

    assert [fault.split(": ")[:2] for fault in found] == [
        ["shop.toml:3", "colour"],
        ["shop.toml:13", "object.1.find.1.by"],
        ["shop.toml:18", "object.1.fields.2.label"],
        ["shop.toml:19", "object.1.fields.3.category"],
    ]


def test_contradictions_are_told_beside_what_is_wrong_by_itself() -> None:
    wrong = (
        with_line('erase = {action = "anonymise", set = {since = ""}}')
        .replace('kind = "sql"', 'kind = "sql"\ncolour = "red"')
        .replace('label = {sv = "Sedan", en = "Since"}, ', "")
        .replace('by = "email"', 'by = "shoe_size"')
        .replace('["mail"]', '["mial"]')
    )

    assert [fault.split(": ", 2)[0::2] for fault in faults(wrong)] == [
        ["shop.toml:3", "Extra inputs are not permitted"],
        ["shop.toml:13", faults(wrong)[1].split(": ", 2)[2]],  # the long list of types there are
        ["shop.toml:13", "column 'mial' is not among the fields"],
        ["shop.toml:15", "anonymising leaves column 'mail', which identifies the person"],
        ["shop.toml:20", "Field required"],
    ]


@pytest.mark.parametrize("key", ["label", "category", "column", "by", "activities", "name", "kind"])
def test_what_is_missing_is_told_alone(key: str) -> None:
    """Nothing is said about what merely stands in for it while the rest is checked."""
    line = next(line for line in VALID.splitlines() if re.search(rf"\b{key} = ", line))
    cut = re.sub(rf'\b{key} = (?:"[^"]*"|{{.*?}}|\[[^\]]*\])(?:, )?', "", line)
    text = VALID.replace(line, cut, 1)

    assert [fault for fault in faults(text) if not fault.endswith(f"{key}: Field required")] == (
        ["shop.toml:14: object.1.emits: column 'no' is not among the fields"] if key == "column" else []
    )


def test_a_field_without_label_is_a_fault() -> None:
    assert faults(VALID.replace('label = {sv = "Sedan", en = "Since"}, ', "")) == [
        "shop.toml:18: object.1.fields.3.label: Field required"
    ]


def test_text_that_is_no_toml_names_the_line() -> None:
    (fault,) = faults("name = 'shop'\nkind = [\n")

    assert fault.startswith("shop.toml:")
    assert "not TOML" in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (with_line('person_name = ["nobody"]'), "column 'nobody' is not among the fields"),
        (VALID.replace('["mail"]', '["mial"]'), "column 'mial' is not among the fields"),
        (VALID.replace('{no = "customer_no"}', '{no = "name"}'), "name leads to other people and cannot be emitted"),
        (VALID.replace('{no = "customer_no"}', '{no = "orgnr"}'), "orgnr leads to other people and cannot be emitted"),
        (VALID.replace('{no = "customer_no"}', '{mail = "email"}'), "asserted by company or confirmed"),
        (with_line('update = {email = "mail"}'), "column 'mail' is not writable"),
        (with_line('erase = {action = "keep"}'), "needs a keep rule with its law"),
        (with_line('erase = {action = "anonymise"}'), "which needs it"),
        (with_line('erase = {action = "delete", set = {mail = ""}}'), "belongs to action 'anonymise'"),
        (with_line('erase = {action = "anonymise", set = {since = ""}}'), "anonymising leaves column 'mail'"),
        (with_line('keep = {rule = "period", column = "since", law = {sv = "l", en = "l"}}'), "take neither years"),
        (with_line('reached_from = [{object = "company", their = "no", ours = "no"}]'), "'company' is not declared"),
        (with_line('reached_from = [{object = "customer", their = "no", ours = "mail"}]'), "only a person's own"),
        (VALID.replace('table = "customers"\n', ""), "needs table and key"),
        (VALID.replace("kind =", 'canary = {type = "email", value = "A@B.se"}\nkind ='), "no email in normal form"),
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_faults(text: str, fault: str) -> None:
    assert any(fault in each for each in faults(text))


def test_an_emitted_value_must_be_the_persons_own_and_not_the_companys() -> None:
    of_company = VALID.replace(
        'category = "identity", asserted', 'category = "identity", subject = "organisation", asserted'
    )

    assert "must be the person's own" in faults(of_company)[0]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_line_numbers(text: str) -> None:
    """No input makes the reader fail in another way."""
    try:
        parse_declaration(text, source="x.toml")
    except SettingsError as error:
        assert all(problem.startswith("x.toml:") for problem in error.problems)  # noqa: PT017


# ------------------------------------------------------------------------------------------------- keep periods


@pytest.mark.parametrize(
    ("day", "month", "until"),
    [
        (date(2018, 6, 1), 12, date(2025, 12, 31)),  # calendar year 2018: may go from 1 January 2026
        (date(2019, 12, 31), 12, date(2026, 12, 31)),
        (date(2024, 7, 31), 7, date(2031, 12, 31)),  # the example of BFN: fiscal year ending 31 July 2024
        (date(2023, 8, 1), 7, date(2031, 12, 31)),  # first day of that fiscal year
        (date(2024, 8, 1), 7, date(2032, 12, 31)),  # first day of the next one
    ],
)
def test_accounting_information_is_kept_through_the_seventh_year(day: date, month: int, until: date) -> None:
    """BFL 7 kap. 2 §: after the calendar year in which the fiscal year ended."""
    assert until == bookkeeping_until(day, fiscal_year_end_month=month)


@pytest.mark.parametrize(
    ("length", "until"),
    [("years = 2", date(2026, 2, 28)), ("months = 12", date(2025, 2, 28)), ("years = 4", date(2028, 2, 29))],
)
def test_a_period_runs_from_the_date_of_the_record(length: str, until: date) -> None:
    line = f'keep = {{rule = "period", column = "since", {length}, law = {{sv = "1 §", en = "s. 1"}}}}'

    keep = parse_declaration(with_line(line), source="shop.toml").object("customer").keep

    assert keep is not None
    assert until == keep.until(date(2024, 2, 29))


# ------------------------------------------------------------------------------------------------ register, unknown


def test_a_missing_fact_is_listed_with_who_must_answer() -> None:
    text = VALID.replace('label = {sv = "Bu', 'processors = [{unknown = "IT manager: host"}]\nlabel = {sv = "Bu')

    assert parse_declaration(text, source="shop.toml").unknown == ("processors: IT manager: host",)


def test_a_register_names_missing_facts_and_who_must_answer(tmp_path: Path) -> None:
    file = tmp_path / "register.toml"
    file.write_text(
        """\
[[activity]]
id = "A5"
label = {sv = "Nyhetsbrev", en = "Newsletter"}
purposes = {sv = "Skicka", en = "To send"}
legal_basis = {sv = "Samtycke", en = "Consent"}
categories = {unknown = "marketing manager"}
recipients = [{unknown = "marketing manager: provider"}]
retention = {sv = "Tills vidare", en = "Until withdrawn"}
"""
    )

    activity = load_register(file)["A5"]

    assert activity.unknown == ("categories: marketing manager", "recipients: marketing manager: provider")
    assert activity.recipients == ()


def test_a_register_with_an_id_twice_is_refused(tmp_path: Path) -> None:
    sample = (SAMPLES / "register.toml").read_text()
    file = tmp_path / "register.toml"
    file.write_text(sample.replace('id = "A2"', 'id = "A1"'))

    with pytest.raises(SettingsError, match="another activity has this id"):
        load_register(file)


def test_a_file_that_is_not_there_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(FileNotFoundError\)"):
        load_declaration(tmp_path / "none.toml")


# --------------------------------------------------------------------------------------------------- what we ship


SHIPPED = sorted([*SAMPLES.glob("*.toml"), *(Path(__file__).parent / "lab" / "systems").glob("*.toml")])


@pytest.fixture(params=[path for path in SHIPPED if path.stem != "register"], ids=lambda path: path.stem)
def sample(request: pytest.FixtureRequest) -> Declaration:
    return load_declaration(request.param)


def test_what_we_ship_names_registered_activities_only(sample: Declaration) -> None:
    assert unregistered_activities(sample, load_register(SAMPLES / "register.toml")) == ()


def test_what_we_ship_knows_every_fact(sample: Declaration) -> None:
    register = load_register(SAMPLES / "register.toml")

    assert sample.unknown == ()
    assert [activity.id for activity in register.values() if activity.unknown] == []


def test_the_draft_register_has_every_activity_and_marks_what_is_missing() -> None:
    register = load_register(PRODUCTS / "register.toml")

    assert list(register) == [f"A{number}" for number in range(1, 13)]
    assert all(activity.recipients or activity.unknown for activity in register.values())


#: The rows of the company's privacy policy: why it uses personal data, where it keeps them, whose, and cookies.
POLICY = [
    *(f"purpose {number}" for number in range(1, 6)),
    "system 1 Affärssystem",
    "system 2 Webbshop",
    "system 3 Driftssystem",
    "system 4 Ärendehanteringssystem",
    "system 5 E-post, SMS och Post",
    "local offices",
    "employees' address books",
    "data of customers, suppliers and interested parties",
    "data of applicants",
    "sharing",
    "requests about personal data",
    "cookies 1",
    "cookies 2 reCaptcha",
]


@pytest.mark.parametrize("row", POLICY)
def test_every_row_of_the_privacy_policy_has_a_draft_in_the_register(row: str) -> None:
    register = tomllib.loads((PRODUCTS / "register.toml").read_text("utf-8"))

    assert [each["id"] for each in register["activity"] if row in each.get("policy", [])]


def test_every_fact_that_the_drafts_lack_names_who_must_answer() -> None:
    register = load_register(PRODUCTS / "register.toml")

    assert list(register) == [f"A{number}" for number in range(1, 13)]
    missing = [fact for activity in register.values() for fact in activity.unknown]
    roles = {"VD", "Försäljningschef", "Servicechef", "Ekonomiansvarig", "Marknadsansvarig", "Personalansvarig"}
    assert missing
    assert {fact.split(": ")[1] for fact in missing} <= roles | {"IT-ansvarig"}
