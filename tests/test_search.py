"""Rounds, coverage and certainty of a search: whose data is it, and was every place asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from connectors import open_connector, samples
from connectors.memory import MemoryConnector
from dsar.connector import Health, SearchAnswer, Searches
from dsar.declaration import load_declaration, parse_declaration
from dsar.errors import SystemUnavailableError
from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType, SearchResult, Strength, SystemOutcome
from dsar.names import can_be_same_person
from dsar.search import MAX_ROUNDS, search

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

DECLARATION = """
name = "memory"
kind = "memory"
label = {sv = "Register", en = "Register"}

[[object]]
name = "contact"
label = {sv = "Kontakt", en = "Contact"}
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [
  {by = "email", columns = ["mail"]},
  {by = "phone", columns = ["phone"]},
  {by = "customer_no", columns = ["no", "company_no"]},
  {by = "name", columns = ["name"]},
  {by = "serial", columns = ["serial"]},
]
emits = {mail = "email", phone = "phone", next = "customer_no", serial = "serial"}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "company_no", label = {sv = "Företag", en = "Company"}, category = "organisation", asserted_by = "company"},
  {column = "next", label = {sv = "Nästa", en = "Next"}, category = "identity", asserted_by = "company"},
  {column = "serial", label = {sv = "Serienr", en = "Serial"}, category = "device", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "phone", label = {sv = "Telefon", en = "Phone"}, category = "contact", asserted_by = "company"},
]
"""


def memory(name: str, *rows: Mapping[str, str]) -> MemoryConnector:
    """A system of contacts whose values the company entered; left-out columns are empty."""
    empty = dict.fromkeys(("no", "company_no", "next", "serial", "name", "mail", "phone"), "")
    declaration = parse_declaration(DECLARATION, source="memory.toml")
    return MemoryConnector(name=name, declaration=declaration, rows={"contact": [empty | dict(row) for row in rows]})


def given(type_: str, text: str) -> Identifier:
    identifier = normalise(IdentifierType(type_), text)
    assert identifier is not None
    return identifier


def ask(systems: Sequence[MemoryConnector], *identifiers: Identifier) -> SearchResult:
    return search({system.name: system for system in systems}, identifiers, now=NOW)


def strengths(result: SearchResult) -> dict[str, str]:
    """{"system/key": strength}"""
    return {f"{record.system}/{record.key}": record.strength.value for record in result.records}


class Failing:
    """A system that never answers."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        raise self._error

    def health(self) -> Health:
        return Health(ok=False, detail="")


class Half:
    """A system that can be read in part only."""

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        return SearchAnswer(records=(), complete=False, detail="1 of 2 files could not be read whole")

    def health(self) -> Health:
        return Health(ok=True, detail="")


# ------------------------------------------------------------------------------------------------- promise P5: coverage


def test_one_system_failing_does_not_stop_the_others() -> None:
    systems: dict[str, Searches] = {
        "down": Failing(SystemUnavailableError("down", "connection refused")),
        "buggy": Failing(KeyError("asa@example.se")),
        "half": Half(),
        "empty": memory("empty"),
        "crm": memory("crm", {"no": "K1", "name": "Åsa Ek", "mail": "asa@example.se"}),
    }

    result = search(systems, [given("email", "asa@example.se")], now=NOW)

    assert {each.system: each.outcome.value for each in result.systems} == {
        "down": "failed",
        "buggy": "failed",
        "half": "partial",
        "empty": "nothing",
        "crm": "found",
    }


def test_without_an_identifier_nothing_was_searched_and_nothing_is_not_claimed() -> None:
    result = ask([memory("crm", {"no": "K1"})])

    assert [(each.outcome.value, each.detail) for each in result.systems] == [
        ("failed", "there is no identifier to search by")
    ]


def test_details_of_a_failure_hold_no_personal_data() -> None:
    result = search({"buggy": Failing(KeyError("asa@example.se"))}, [given("email", "asa@example.se")], now=NOW)

    assert result.systems[0].detail == "fault in the connector (KeyError)"


def test_a_system_that_fails_in_a_later_round_is_partial_and_keeps_what_it_gave() -> None:
    class OnceOnly(MemoryConnector):
        asked = 0

        def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
            OnceOnly.asked += 1
            if OnceOnly.asked > 1:
                raise SystemUnavailableError("crm", "timeout")
            return super().search(identifiers, read_at=read_at)

    template = memory("crm")
    rows = [dict.fromkeys(("no", "company_no", "next", "serial", "name", "phone"), "") | {"mail": "asa@example.se"}]
    rows[0] |= {"no": "K1", "name": "Åsa Ek", "next": "K9"}
    crm = OnceOnly(name="crm", declaration=template._declaration, rows={"contact": rows})

    result = ask([crm], given("email", "asa@example.se"))

    assert result.systems[0].outcome is SystemOutcome.PARTIAL
    assert strengths(result) == {"crm/K1": "certain"}


def test_all_systems_of_a_round_are_asked_through_the_given_parallel() -> None:
    rounds = []

    def one_after_the_other(ask_one, systems):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        rounds.append(list(systems))
        return map(ask_one, systems)

    systems = {name: memory(name, {"no": "K1", "mail": "asa@example.se"}) for name in ("a", "b")}
    search(systems, [given("email", "asa@example.se")], now=NOW, parallel=one_after_the_other)

    assert rounds == [["a", "b"]]


# ------------------------------------------------------------------------------------------------------------ rounds


def test_a_strong_identifier_of_one_system_finds_records_in_another() -> None:
    crm = memory("crm", {"no": "K1", "name": "Åsa Ek", "mail": "asa@example.se", "phone": "070-174 06 05"})
    fleet = memory("fleet", {"no": "F7", "name": "Åsa Ek", "phone": "0701740605"})

    result = ask([crm, fleet], given("email", "asa@example.se"))

    assert strengths(result) == {"crm/K1": "certain", "fleet/F7": "certain"}
    assert given("phone", "070-1740605") in result.identifiers


def chain(length: int) -> MemoryConnector:
    """Contacts of which each leads to the next: K1 -> K2 -> ..."""
    return memory("chain", *({"no": f"K{n}", "next": f"K{n + 1}" if n < length else ""} for n in range(1, length + 1)))


def test_identifiers_are_followed_to_the_end() -> None:
    result = ask([chain(MAX_ROUNDS)], given("customer_no", "K1"))

    assert len(result.records) == MAX_ROUNDS
    assert result.systems[0].outcome is SystemOutcome.FOUND


def test_a_search_that_does_not_end_is_partial_and_not_found() -> None:
    result = ask([chain(MAX_ROUNDS + 2)], given("customer_no", "K1"))

    assert result.systems[0].outcome is SystemOutcome.PARTIAL


def test_a_record_found_twice_stands_once_and_as_the_surer_one() -> None:
    crm = memory("crm", {"no": "K1", "name": "Åsa Ek", "mail": "asa@example.se"})

    result = ask([crm], given("name", "Åsa Ek"), given("email", "asa@example.se"))

    assert strengths(result) == {"crm/K1": "certain"}


# ------------------------------------------------------------------------------------------------ promise P6: certainty


def test_namesakes_are_candidates_and_lead_nowhere() -> None:
    crm = memory(
        "crm",
        {"no": "K1", "name": "Anna Öberg", "mail": "anna@example.net"},
        {"no": "K2", "name": "Anna Öberg", "mail": "anna@example.org"},
    )
    shop = memory("shop", {"no": "W1", "mail": "anna@example.net"})

    result = ask([crm, shop], given("name", "Anna Öberg"))

    assert strengths(result) == {"crm/K1": "candidate", "crm/K2": "candidate"}


def test_a_namesake_is_not_found_by_the_others_address() -> None:
    crm = memory(
        "crm",
        {"no": "K1", "name": "Anna Öberg", "mail": "anna@example.net"},
        {"no": "K2", "name": "Anna Öberg", "mail": "anna@example.org"},
    )

    assert strengths(ask([crm], given("email", "anna@example.net"))) == {"crm/K1": "certain"}


def test_a_phone_that_father_and_son_share_makes_candidates() -> None:
    crm = memory(
        "crm",
        {"no": "K1", "name": "Lars Bergström", "phone": "070-174 06 20", "mail": "lars@example.se"},
        {"no": "K2", "name": "Oskar Bergström", "phone": "0701740620", "mail": "oskar@example.se"},
    )

    result = ask([crm], given("phone", "070-174 06 20"))

    assert strengths(result) == {"crm/K1": "candidate", "crm/K2": "candidate"}
    assert result.identifiers == (given("phone", "070-174 06 20"),)


def test_the_sons_own_address_finds_him_for_certain_and_the_father_not() -> None:
    crm = memory(
        "crm",
        {"no": "K1", "name": "Lars Bergström", "phone": "070-174 06 20", "mail": "lars@example.se"},
        {"no": "K2", "name": "Oskar Bergström", "phone": "0701740620", "mail": "oskar@example.se"},
    )

    result = ask([crm], given("email", "oskar@example.se"))

    assert strengths(result) == {"crm/K2": "certain", "crm/K1": "candidate"}
    assert given("email", "lars@example.se") not in result.identifiers


def test_a_recycled_number_gives_the_earlier_owner_as_a_candidate_even_from_another_system() -> None:
    crm = memory("crm", {"no": "K1", "name": "Fatima Hassan", "mail": "fatima@example.se", "phone": "070-174 06 33"})
    old = memory("old", {"no": "O1", "name": "Ingrid Falk", "phone": "070-174 06 33"})

    result = ask([crm, old], given("email", "fatima@example.se"))

    assert strengths(result) == {"crm/K1": "certain", "old/O1": "candidate"}


def test_what_a_shared_number_led_to_waits_for_a_person_like_the_rest() -> None:
    """The number led from the first system to a key in round two, before the second system showed that it is shared."""
    first = memory("first", {"no": "K1", "name": "Lars Berg", "phone": "070-174 06 20", "next": "X1"})
    second = memory(
        "second", {"no": "S1", "name": "Eva Lind", "phone": "070-174 06 20"}, {"no": "X1", "name": "Lars Berg"}
    )

    result = ask([first, second], given("phone", "070-174 06 20"))

    assert strengths(result) == {"first/K1": "candidate", "second/S1": "candidate", "second/X1": "candidate"}
    assert result.identifiers == (given("phone", "070-174 06 20"),)


def test_father_and_son_of_one_name_on_one_phone_are_told_apart_by_their_numbers() -> None:
    father = {"no": "K1", "name": "Karl Berg", "phone": "070-174 06 20", "mail": "karl@example.se"}
    son = {"no": "K2", "name": "Karl Berg", "phone": "0701740620", "mail": "kalle@example.se"}

    result = ask([memory("crm", father, son)], given("email", "kalle@example.se"))

    assert strengths(result) == {"crm/K2": "certain", "crm/K1": "candidate"}


@pytest.mark.parametrize(
    "address",
    ["info@foretag.example", "ekonomi@foretag.example", "order+a@foretag.example", "info.malmo@foretag.example"],
)
def test_a_mailbox_of_a_function_makes_candidates(address: str) -> None:
    crm = memory(
        "crm", {"no": "K1", "name": "Göran Ek", "mail": address, "next": "K2"}, {"no": "K2", "name": "Ulla Ek"}
    )

    assert strengths(ask([crm], given("email", address))) == {"crm/K1": "candidate"}


def test_a_personal_mailbox_is_none_of_a_function() -> None:
    crm = memory("crm", {"no": "K1", "name": "Info Andersson", "mail": "andersson.info@example.se"})

    assert strengths(ask([crm], given("email", "andersson.info@example.se"))) == {"crm/K1": "certain"}


def test_a_companys_number_does_not_lead_to_its_contacts() -> None:
    crm = memory(
        "crm",
        {"no": "K10-1", "name": "Anna Öberg", "company_no": "K10", "phone": "070-174 06 11"},
        {"no": "K10-2", "name": "Dragan Petrović", "company_no": "K10", "phone": "070-174 06 24"},
    )

    assert strengths(ask([crm], given("customer_no", "K10"))) == {"crm/K10-1": "candidate", "crm/K10-2": "candidate"}


def test_equipment_that_changed_hands_does_not_lead_to_its_new_user() -> None:
    crm = memory("crm", {"no": "K1", "name": "Anna Öberg", "mail": "anna@example.net", "serial": "XM4521"})
    fleet = memory("fleet", {"no": "F1", "name": "Erik Ny", "serial": "XM4521", "phone": "070-174 06 24"})

    assert strengths(ask([crm, fleet], given("email", "anna@example.net"))) == {
        "crm/K1": "certain",
        "fleet/F1": "candidate",
    }


def test_a_claimed_identifier_gives_candidates_only() -> None:
    crm = memory("crm", {"no": "K1", "name": "Åsa Ek", "mail": "asa@example.se", "next": "K2"}, {"no": "K2"})

    result = search({"crm": crm}, [], claimed=[given("email", "asa@example.se")], now=NOW)

    assert strengths(result) == {"crm/K1": "candidate"}


# ------------------------------------------------------------------------------------------------- name and street

REGISTER = """
name = "memory"
kind = "memory"
label = {sv = "Register", en = "Register"}

[[object]]
name = "contact"
label = {sv = "Kontakt", en = "Contact"}
key = "no"
activities = ["A1"]
person_name = ["name"]
find = [{by = "email", columns = ["mail"]}, {by = "address", columns = ["street"]}]
emits = {mail = "email"}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "street", label = {sv = "Gata", en = "Street"}, category = "contact", asserted_by = "company"},
]
"""


def register(name: str, *rows: tuple[str, str, str], declared: str = REGISTER) -> MemoryConnector:
    """A system of (name, mail, street)."""
    stored = [dict(zip(("name", "mail", "street"), row, strict=True), no=f"{at}") for at, row in enumerate(rows, 1)]
    return MemoryConnector(
        name=name, declaration=parse_declaration(declared, source="m.toml"), rows={"contact": stored}
    )


CRM = register("crm", ("Erik Lindqvist", "erik@example.se", "Västergatan 9, 311 31 Falkenberg"))


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("LINDQVIST, ERIK", "", "Västergatan 9"), {"bought/1": "candidate"}),
        (("Erik Lindqvist", "", "Storgatan 2"), {}),  # a namesake
        (("Eva Lindqvist", "", "Västergatan 9"), {}),  # the same household
        (("", "", "Västergatan 9"), {}),
        (("Erik Lindqvist", "other@example.se", "Västergatan 9"), {"bought/1": "candidate"}),  # father and son
    ],
)
def test_what_has_the_name_and_the_street_of_a_certain_record_is_a_candidate(
    row: tuple[str, str, str], found: dict[str, str]
) -> None:
    """A bought register has neither mail nor phone."""
    result = ask([CRM, register("bought", row)], given("email", "erik@example.se"))

    assert strengths(result) == {"crm/1": "certain"} | found


def test_a_candidate_of_the_same_name_and_street_leads_nowhere() -> None:
    bought = register("bought", ("Erik Lindqvist", "son@example.se", "Västergatan 9"))
    shop = memory("shop", {"no": "W1", "mail": "son@example.se"})

    result = ask([CRM, bought, shop], given("email", "erik@example.se"))

    assert strengths(result) == {"crm/1": "certain", "bought/1": "candidate"}


def test_a_street_that_anybody_could_have_typed_finds_nobody() -> None:
    typed = REGISTER.replace('category = "contact", asserted_by = "company"},\n]', 'category = "contact"},\n]')
    crm = register("crm", ("Erik Lindqvist", "erik@example.se", "Västergatan 9"), declared=typed)
    bought = register("bought", ("Erik Lindqvist", "", "Västergatan 9"))

    assert strengths(ask([crm, bought], given("email", "erik@example.se"))) == {"crm/1": "certain"}


# ------------------------------------------------------------------------------------------------- the sample world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Searches]:
    folder = tmp_path_factory.mktemp("world")
    samples.create(folder)
    return {
        system: open_connector(
            kind,
            name=system,
            declaration=load_declaration(folder / f"{system}.toml"),
            options=samples.options(system, folder),
        )
        for system, (kind, _) in samples.SYSTEMS.items()
    }


def found(result: SearchResult, strength: Strength) -> set[str]:
    return {f"{each.system}/{each.object}/{each.key}" for each in result.records if each.strength is strength}


@pytest.mark.parametrize(
    "address",
    [
        "asa.lindqvist@example.se",
        "john.whitfield@example.com",
        "erik.nystrom@example.se",
        "maria.oberg@example.se",
        "karin.hakansson@example.se",
        "peter.sandberg@example.se",
    ],
)
def test_the_people_of_the_demo_are_found_for_certain(world: Mapping[str, Searches], address: str) -> None:
    result = search(world, [given("email", address)], now=NOW)

    customers = [record for record in result.records if record.object == "customer"]
    assert [record.strength for record in customers] == [Strength.CERTAIN]
    assert all(each.outcome in {SystemOutcome.FOUND, SystemOutcome.NOTHING} for each in result.systems)


def test_an_account_with_the_victims_phone_and_number_stays_a_candidate(world: Mapping[str, Searches]) -> None:
    """Take-over: account W1005 has a confirmed address of its own, but Åsa's phone and customer number typed in."""
    victim = search(world, [given("email", "asa.lindqvist@example.se")], now=NOW)
    attacker = search(world, [given("email", "mallory@example.com")], now=NOW)

    assert "webshop/account/W1005" in found(victim, Strength.CANDIDATE)
    assert given("email", "mallory@example.com") not in victim.identifiers
    assert {record.key for record in attacker.records} == {"W1005"}


@pytest.mark.parametrize(
    ("type_", "text"),
    [("email", "asa.lindqvist@example.se"), ("phone", "070-174 06 05"), ("customer_no", "K20001")],
)
def test_every_start_gives_the_same_certain_records(world: Mapping[str, Searches], type_: str, text: str) -> None:
    by_mail = search(world, [given("email", "asa.lindqvist@example.se")], now=NOW)

    assert found(search(world, [given(type_, text)], now=NOW), Strength.CERTAIN) == found(by_mail, Strength.CERTAIN)


def test_a_mention_in_someone_elses_note_is_a_candidate(world: Mapping[str, Searches]) -> None:
    result = search(world, [given("email", "asa.lindqvist@example.se")], now=NOW)

    assert "business/note/4" in found(result, Strength.CANDIDATE)


def test_invoices_say_until_when_which_law_keeps_them(world: Mapping[str, Searches]) -> None:
    result = search(world, [given("email", "asa.lindqvist@example.se")], now=NOW)

    (invoice,) = (record for record in result.records if record.key == "F24-0042")
    assert str(invoice.keep_until) == "2031-12-31"
    assert invoice.keep_law is not None
    assert invoice.keep_law.sv == "bokföringslagen (1999:1078) 7 kap. 2 §"


# ------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Åsa Lindqvist", "LINDQVIST, ASA", True),  # order, case, accents
        ("Åsa Lindqvist", "Å. Lindqvist", True),  # initial
        ("Anna-Lena Åberg", "Anna Åberg", True),  # left-out name
        ("Lars Bergström", "Oskar Bergström", False),
        ("Maria Öberg", "Maria Nilsson", False),
        ("Anna A. Berg", "Anna Berg", True),
        ("A. Berg", "Oskar Berg", False),
    ],
)
def test_names_that_can_be_one_persons(one: str, other: str, *, same: bool) -> None:
    assert can_be_same_person(one, other) is same
    assert can_be_same_person(other, one) is same
