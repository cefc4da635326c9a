"""Precision and recall over a whole population: no foreign record as certain, none of one's own missing (P5, P6)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from population import Person, open_systems, population

from dsar.connector import Searches
from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType, Strength
from dsar.search import search

pytestmark = pytest.mark.xdist_group("population")  # everybody is searched for once

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
STARTS: dict[str, Callable[[Person], tuple[IdentifierType, str]]] = {
    "email": lambda person: (IdentifierType.EMAIL, person.email),
    "phone": lambda person: (IdentifierType.PHONE, person.phone),
    "personnummer": lambda person: (IdentifierType.PERSONNUMMER, person.personnummer),
    "customer_no": lambda person: (IdentifierType.CUSTOMER_NO, person.customer_no),
}
#: What two people share proves neither, so a search from it alone cannot be certain of anything.
SHARED = {
    "email": {"recycled address"},
    "phone": {"shared phone", "father and son", "re-used phone"},
    "personnummer": set[str](),
    "customer_no": {"reissued number"},
}

World = tuple[list[Person], dict[str, Searches]]
Found = dict[tuple[str, str], tuple[set[str], set[str]]]


@pytest.fixture(scope="module")
def results(world: World) -> Found:
    """{(start, customer number): (certain, candidates)} of everybody."""
    people, systems = world
    return {
        (start, person.customer_no): found(systems, given(*how(person)))
        for start, how in STARTS.items()
        for person in people
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    people, rows = population()
    return people, open_systems(tmp_path_factory.mktemp("population"), rows)


def given(type_: IdentifierType, text: str) -> Identifier:
    identifier = normalise(type_, text)
    assert identifier is not None, text
    return identifier


def found(systems: dict[str, Searches], *identifiers: Identifier) -> tuple[set[str], set[str]]:
    """(certain, candidates) as "system/object/key"."""
    result = search(systems, identifiers, now=NOW, parallel=map)
    assert {each.outcome.value for each in result.systems} <= {"found", "nothing"}
    by_strength: dict[Strength, set[str]] = {Strength.CERTAIN: set(), Strength.CANDIDATE: set()}
    for record in result.records:
        by_strength[record.strength].add(f"{record.system}/{record.object}/{record.key}")
    return by_strength[Strength.CERTAIN], by_strength[Strength.CANDIDATE]


def test_the_population_is_large_and_holds_every_trap(world: World) -> None:
    people, _ = world

    traps = {trap for person in people for trap in person.traps}
    assert len(people) >= 200
    assert len(traps) == 9


@pytest.mark.parametrize("start", STARTS)
def test_nothing_foreign_is_certain_and_nothing_of_ones_own_is_missing(
    world: World, results: Found, start: str
) -> None:
    for person in world[0]:
        certain, candidates = results[start, person.customer_no]

        assert certain <= person.records, (person.traps, certain - person.records)
        assert person.records <= certain | candidates, (person.traps, person.records - certain - candidates)
        if not person.traps & SHARED[start]:
            assert f"crm/customer/{person.customer_no}" in certain


def test_the_start_makes_no_difference(world: World, results: Found) -> None:
    """The same certain records and the same candidates, from whatever is the person's alone: three things or four."""
    for person in world[0]:
        starts = [start for start in STARTS if not person.traps & SHARED[start]]
        found_from = [results[start, person.customer_no] for start in starts]

        assert len(starts) >= 3
        assert all(each == found_from[0] for each in found_from), person.traps


def test_a_start_that_is_shared_finds_all_that_is_theirs_as_well(world: World, results: Found) -> None:
    for person in world[0]:
        for start in (start for start in STARTS if person.traps & SHARED[start]):
            certain, candidates = results[start, person.customer_no]

            assert person.records <= certain | candidates, (start, person.traps)


def test_precision_and_recall_as_figures(world: World, results: Found) -> None:
    """What is certain is right always, and most of what is theirs needs nobody's decision."""
    certain_right = certain_all = own = 0
    for person in world[0]:
        certain, _ = results["personnummer", person.customer_no]
        certain_right += len(certain & person.records)
        certain_all += len(certain)
        own += len(person.records)

    assert certain_right / certain_all == 1.0
    assert certain_right / own >= 0.95


# --------------------------------------------------------------------------------------------- the take-over attack


@pytest.fixture
def attacked(world: World) -> tuple[Person, str, dict[str, Searches]]:
    people, systems = world
    return people[5], "eve5@attacker.example", systems


def test_who_proves_the_attackers_address_gets_no_record_of_the_victim(
    attacked: tuple[Person, str, dict[str, Searches]],
) -> None:
    """An account with the attacker's own address and the victim's phone, which anybody can type."""
    victim, address, systems = attacked

    certain, candidates = found(systems, given(IdentifierType.EMAIL, address))

    assert certain == {"shop/account/E5"}
    assert not (certain | candidates) & victim.records


def test_the_attacker_who_claims_the_victims_phone_too_gets_candidates_only(
    attacked: tuple[Person, str, dict[str, Searches]],
) -> None:
    victim, address, systems = attacked
    claimed = [given(IdentifierType.PHONE, victim.phone), given(IdentifierType.NAME, victim.name)]

    result = search(systems, [given(IdentifierType.EMAIL, address)], claimed=claimed, now=NOW)

    strengths = {f"{record.system}/{record.object}/{record.key}": record.strength for record in result.records}
    assert {strengths[key] for key in victim.records & set(strengths)} == {Strength.CANDIDATE}
    assert given(IdentifierType.CUSTOMER_NO, victim.customer_no) not in result.identifiers


def test_the_victim_meets_the_attackers_account_as_a_candidate(
    attacked: tuple[Person, str, dict[str, Searches]],
) -> None:
    victim, _, systems = attacked

    certain, candidates = found(systems, given(IdentifierType.EMAIL, victim.email))

    assert "shop/account/E5" in candidates
    assert certain <= victim.records
