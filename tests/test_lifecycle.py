"""The life of a request: the table in dsar.lifecycle, pair by pair."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.errors import IllegalTransitionError
from dsar.lifecycle import TRANSITIONS, Event, State, next_state

LISTED = [(state, event, target) for state, row in TRANSITIONS.items() for event, target in row.items()]
UNLISTED = [(state, event) for state, event in itertools.product(State, Event) if event not in TRANSITIONS[state]]

#: The straight way of each right, from the mail to the answer.
STRAIGHT_WAYS = {
    "access": "sorted identified searched approved dispatch_started dispatched",
    "erase": "sorted identified searched approved apply_started applied dispatched",
    "erase after access": "sorted identified searched approved blocked apply_started applied dispatched",
    "unidentified": "sorted asked unidentified approved dispatch_started dispatched",
    "refused": "sorted identified refused approved dispatch_started dispatched",
    "drift": "sorted identified searched approved apply_started differed approved dispatch_started dispatched",
    "uncertain letter": "sorted identified searched approved dispatch_started blocked dispatched",
    "sorted by a person": "doubted sorted identified searched approved dispatch_started dispatched",
    "letter came back": "sorted identified searched approved dispatch_started dispatched bounced approved "
    "dispatch_started dispatched",
}


def walk(events: list[Event], state: State = State.RECEIVED) -> State:
    for event in events:
        state = next_state("D-2026-00042/access", state, event)
    return state


def reachable_from(start: State) -> set[State]:
    seen: set[State] = set()
    todo = [start]
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += TRANSITIONS[state].values()
    return seen


@pytest.mark.parametrize(("state", "event", "target"), LISTED)
def test_listed_event_leads_to_its_state(state: State, event: Event, target: State) -> None:
    assert target == next_state("D-2026-00042/access", state, event)


@pytest.mark.parametrize(("state", "event"), UNLISTED)
def test_unlisted_event_cannot_happen(state: State, event: Event) -> None:
    """The refusal names the request, its state and the event, and is not a crash."""
    with pytest.raises(IllegalTransitionError, match=f"D-2026-00042/access is in state '{state}', where '{event}'"):
        next_state("D-2026-00042/access", state, event)


def test_every_state_has_its_row() -> None:
    assert set(State) == set(TRANSITIONS)


def test_every_event_happens_somewhere() -> None:
    assert set(Event) == {event for _, event, _ in LISTED}


def test_every_state_is_reached_from_received() -> None:
    assert set(State) == reachable_from(State.RECEIVED)


@pytest.mark.parametrize("state", State)
def test_every_state_can_still_be_closed(state: State) -> None:
    """No request can be caught for ever (P11)."""
    assert State.CLOSED in reachable_from(state)


@pytest.mark.parametrize("way", STRAIGHT_WAYS.values(), ids=STRAIGHT_WAYS)
def test_straight_way_closes_the_request(way: str) -> None:
    state = walk([Event(name) for name in way.split()])

    assert state is State.CLOSED


@pytest.mark.parametrize("target", [State.APPLYING, State.DISPATCHING])
def test_nothing_is_applied_or_sent_without_approval(target: State) -> None:
    """Without the event `approved`, neither state can be reached from the beginning (P3)."""
    seen = {State.RECEIVED}
    for _ in State:
        seen |= {to for state, event, to in LISTED if state in seen and event is not Event.APPROVED}

    assert target not in seen


@pytest.mark.parametrize("state", [state for state in State if state not in {State.CLOSED, State.DISPATCHING}])
def test_withdrawal_is_possible_until_the_letter_leaves(state: State) -> None:
    """Once the letter is on its way only a recall takes it back."""
    assert Event.WITHDRAWN in TRANSITIONS[state]


@given(st.data())
def test_a_closed_request_moves_only_by_bounce_or_reopening(data: st.DataObject) -> None:
    """Whatever happened before."""
    state = State.RECEIVED
    for _ in range(data.draw(st.integers(0, 30))):
        event = data.draw(st.sampled_from(sorted(TRANSITIONS[state])))
        before, state = state, next_state("D-2026-00042/erase", state, event)

        assert before is not State.CLOSED or (event in {Event.BOUNCED, Event.REOPENED} and state is State.REVIEW)
