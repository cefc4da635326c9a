"""Nothing strands: whatever waits for somebody who does not act comes before a person in time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from dsar import worker
from dsar.casework import challenging, identifying, views
from dsar.lifecycle import State

NOW = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

UNKNOWN = "John W <johnw@private.example>"
ACCESS = "I want a copy of all data you have about me. My customer number is K20002.\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def asked(office: Office, *, at: datetime) -> None:
    """An unknown sender who was asked at *at* to confirm; a code went to the address on file."""
    office.receive(UNKNOWN, ACCESS, at=at)
    identifying.identify(office.app, 1, now=at)
    challenging.challenge(office.app, 1, now=at)
    assert states(office) == [State.CLARIFYING]


def states(office: Office) -> list[str]:
    return [request.state for request in office.requests()]


def run(office: Office, step: str, *, now: datetime) -> bool:
    """Do the one step if it is due at *now*, as a worker would; False if it is not."""
    with office.app.store.transaction() as tx:
        due = [tx.claim("w", now=now, lease=timedelta(minutes=5)) for _ in tx.work()]
    chosen = [work for work in due if work is not None and work.step == step]
    for work in chosen:
        worker.run_step(office.session.tools, work, now=now)
    return bool(chosen)


# ------------------------------------------------------------------------------------------------------- no answer


def test_a_requester_who_does_not_answer_by_the_day_given_comes_before_a_person(office: Office) -> None:
    """The month of Art. 12(3) runs on; the letter gave until 16 November."""
    asked(office, at=NOW)

    assert run(office, "expire", now=NOW + timedelta(days=15))

    assert states(office) == [State.IDENTITY]
    (line,) = views.queue(office.app, now=NOW + timedelta(days=15))
    assert (line.waits_for, line.flags) == ("person: verify", ("no_reply",))


def test_on_the_last_day_given_the_requester_may_still_answer(office: Office) -> None:
    asked(office, at=NOW)

    assert not run(office, "expire", now=NOW + timedelta(days=14))

    assert states(office) == [State.CLARIFYING]


def test_a_request_that_was_confirmed_in_time_does_not_expire(office: Office) -> None:
    asked(office, at=NOW)
    (request,) = office.requests()
    office.force(request, state=State.REVIEW)

    assert run(office, "expire", now=NOW + timedelta(days=15))

    assert (states(office), office.only_case().flags) == ([State.REVIEW], [])
