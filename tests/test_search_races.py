"""What comes in while the systems answer makes the answers stale: they are dropped, and the search begins again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import identifying, searching, verifying
from dsar.connector import Health, SearchAnswer, Searches
from dsar.errors import SystemUnavailableError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import Identifier

JOHN = "John Whitfield <john.whitfield@example.com>"
EVE = "Eve <eve@attacker.example>"
STOP_AND_ACCESS = """Please stop sending me marketing. Please also send me a copy of all my personal data.

Eve, +46 70 174 06 06
"""


class Interrupted:
    """A system during whose answer something happens, once."""

    def __init__(self, system: Searches, happens: Callable[[], None]) -> None:
        self._system = system
        self._happens: Callable[[], None] | None = happens

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        answer = self._system.search(identifiers, read_at=read_at)
        happens, self._happens = self._happens, None
        if happens:
            happens()
        return answer

    def health(self) -> Health:
        return self._system.health()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def interrupt(office: Office, happens: Callable[[], None]) -> None:
    systems = office.app.systems
    office.app = replace(office.app, systems={**systems, "business": Interrupted(systems["business"], happens)})


def states(office: Office) -> dict[str, str]:
    return {request.right: request.state for request in office.requests()}


def test_a_check_during_a_search_by_claimed_contacts_discloses_nothing(office: Office) -> None:
    """Eve claims John's phone; while the stop is searched for by it, staff see Eve's own ID: John stays unseen."""
    now = datetime.now(UTC)
    office.receive(EVE, STOP_AND_ACCESS, at=now)
    for request in office.requests():
        if request.state == State.TRIAGE:
            pytest.fail("the mail is plain")
    identifying.identify(office.app, 1, now=now)

    def verify() -> None:
        verifying.verify(
            office.app, office.only_case(), method=CheckMethod.ID_SHOWN, contact=None, actor="anna", now=now
        )

    interrupt(office, verify)
    searching.collect(office.app, 1, attempt=1, now=now)
    assert states(office)["access"] == State.SEARCHING
    searching.collect(office.app, 1, attempt=1, now=now)

    certain = [record for _, record, _ in searching.numbered_records(office.app, office.only_case())]
    assert states(office)["access"] == State.REVIEW
    assert not [record for record in certain if record.strength == "certain"]


def test_facts_that_arrive_during_a_search_are_searched_for(office: Office) -> None:
    """A follow-up with another identifier, while the systems answer, is not lost."""
    now = datetime.now(UTC)
    office.receive(JOHN, "I want a copy of all data you have about me.\n", at=now)
    identifying.identify(office.app, 1, now=now)
    with office.app.store.transaction() as tx:
        thread = tx.outgoing_of_case(1)[0].message_id

    def write() -> None:
        office.receive(JOHN, "About my request: my customer number is K20002.\n", in_reply_to=thread)

    interrupt(office, write)
    searching.collect(office.app, 1, attempt=1, now=now)

    assert states(office)["access"] == State.SEARCHING
    assert office.only_case().search_run == 0


class Flaky:
    """A system that is down until it is mended, and counts how often it is asked."""

    def __init__(self, system: Searches, *, down: bool) -> None:
        self._system = system
        self.down, self.asked = down, 0

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        self.asked += 1
        if self.down:
            raise SystemUnavailableError("webshop", "HTTP 500")
        return self._system.search(identifiers, read_at=read_at)

    def health(self) -> Health:
        return self._system.health()


@pytest.mark.usefixtures("flaky")
def test_a_failed_system_is_a_gap_and_the_others_have_finished(office: Office) -> None:
    case = office.only_case()
    with office.app.store.transaction() as tx:
        outcomes = tx.search_outcomes(case)
    assert outcomes == {"business": "found", "webshop": "failed"}
    assert states(office)["access"] == State.REVIEW


@pytest.fixture
def flaky(office: Office) -> dict[str, Flaky]:
    """The sample systems, the web shop down, after the last try of a search."""
    wrapped = {name: Flaky(system, down=name == "webshop") for name, system in office.app.systems.items()}
    office.app = replace(office.app, systems=wrapped)
    now = datetime.now(UTC)
    office.receive(JOHN, "I want a copy of all data you have about me.\n", at=now)
    verifying.verify(office.app, office.only_case(), method=CheckMethod.ID_SHOWN, contact=None, actor="anna", now=now)
    searching.collect(office.app, 1, attempt=searching.TRIES, now=now)
    return wrapped


def test_the_failed_system_alone_is_asked_again(office: Office, flaky: dict[str, Flaky]) -> None:
    flaky["webshop"].down = False
    flaky["business"].asked = 0

    searching.search_again(office.app, office.only_case(), actor="anna", now=datetime.now(UTC), only_failed=True)
    searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC), only_failed=True)

    case = office.only_case()
    with office.app.store.transaction() as tx:
        outcomes = tx.search_outcomes(case)
    assert outcomes == {"business": "found", "webshop": "found"}
    assert flaky["business"].asked == 0


def test_answers_that_are_a_day_old_are_not_kept(office: Office, flaky: dict[str, Flaky]) -> None:
    flaky["business"].asked = 0
    later = datetime.now(UTC) + searching.KEPT_FOR

    searching.search_again(office.app, office.only_case(), actor="anna", now=later, only_failed=True)
    searching.collect(office.app, 1, attempt=searching.TRIES, now=later, only_failed=True)

    assert flaky["business"].asked > 0
