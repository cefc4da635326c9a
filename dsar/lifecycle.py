"""
State of a request x event -> next state.

Effects: none. Everything that decides a state lives in this file: one literal table, and the function that reads it.
docs/architecture.md draws its diagram from TRANSITIONS.
"""

from enum import StrEnum

from dsar.errors import IllegalTransitionError


class State(StrEnum):
    """Where a request stands; each member says whose turn it is."""

    RECEIVED = "received"  #: The program sorts it.
    TRIAGE = "triage"  #: A person sorts it.
    IDENTITY = "identity"  #: Who asks is being established.
    CLARIFYING = "clarifying"  #: The requester has been asked something.
    SEARCHING = "searching"  #: The systems are being searched.
    REVIEW = "review"  #: A person looks at findings, plan and letter.
    APPROVED = "approved"  #: A person has approved; nothing is done yet.
    APPLYING = "applying"  #: The approved change plan is being carried out.
    DISPATCHING = "dispatching"  #: The approved letter is on its way out.
    BLOCKED = "blocked"  #: It waits for what its reason names.
    CLOSED = "closed"  #: It is answered, or ended otherwise; the outcome says how.


class Event(StrEnum):
    """What happens to a request; past tense."""

    SORTED = "sorted"  #: Triage, by program or person, knows what is asked.
    DOUBTED = "doubted"  #: Triage is unsure, a person must look.
    DISMISSED = "dismissed"  #: It was not a request, or belongs to another case.
    ASKED = "asked"  #: A question went to the requester.
    ANSWERED = "answered"  #: The requester answered the question.
    EXPIRED = "expired"  #: The question was not answered in time.
    IDENTIFIED = "identified"  #: Identity reached the level that the risk demands.
    UNIDENTIFIED = "unidentified"  #: Identity could not be confirmed in time.
    UNPROVEN = "unproven"  #: Nothing is proven of who asks, so nothing may be searched for.
    SEARCHED = "searched"  #: Every system has ended, one way or another.
    REFUSED = "refused"  #: A person decided to refuse; a letter is prepared.
    DONE_BY_HAND = "done_by_hand"  #: A person did it and says what; a letter is prepared.
    REVISED = "revised"  #: New identifiers or facts: the search starts again.
    APPROVED = "approved"  #: Letter and plan were approved.
    VOIDED = "voided"  #: The approval no longer holds.
    APPLY_STARTED = "apply_started"  #: The first step of the approved plan begins.
    APPLIED = "applied"  #: The verified outcome equals the approved one.
    DIFFERED = "differed"  #: The outcome differs from what was approved.
    DISPATCH_STARTED = "dispatch_started"  #: The approved letter was put in the outbox.
    RECALLED = "recalled"  #: A person took the letter back before it left.
    DISPATCHED = "dispatched"  #: The letter has left.
    UNDELIVERABLE = "undeliverable"  #: The mail server refused the letter for good.
    BLOCKED = "blocked"  #: It must wait for something named.
    WITHDRAWN = "withdrawn"  #: The requester no longer wants it.
    BOUNCED = "bounced"  #: The sent letter came back.
    REOPENED = "reopened"  #: A person took a closed request up again.


#: state -> {event: next state}; what is not listed cannot happen.
TRANSITIONS: dict[State, dict[Event, State]] = {
    State.RECEIVED: {
        Event.SORTED: State.IDENTITY,
        Event.DOUBTED: State.TRIAGE,
        Event.DISMISSED: State.CLOSED,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.TRIAGE: {
        Event.SORTED: State.IDENTITY,
        Event.DISMISSED: State.CLOSED,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.IDENTITY: {
        Event.IDENTIFIED: State.SEARCHING,
        Event.UNIDENTIFIED: State.REVIEW,
        Event.ASKED: State.CLARIFYING,
        Event.DISMISSED: State.CLOSED,
        Event.REFUSED: State.REVIEW,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.CLARIFYING: {
        Event.ANSWERED: State.IDENTITY,
        Event.EXPIRED: State.IDENTITY,
        Event.IDENTIFIED: State.SEARCHING,
        Event.UNIDENTIFIED: State.REVIEW,
        Event.REFUSED: State.REVIEW,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.SEARCHING: {
        Event.SEARCHED: State.REVIEW,
        Event.UNPROVEN: State.IDENTITY,
        Event.REVISED: State.SEARCHING,
        Event.REFUSED: State.REVIEW,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.REVIEW: {
        Event.APPROVED: State.APPROVED,
        Event.REVISED: State.SEARCHING,
        Event.REFUSED: State.REVIEW,
        Event.DONE_BY_HAND: State.REVIEW,
        Event.ASKED: State.CLARIFYING,
        Event.DISMISSED: State.CLOSED,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.APPROVED: {
        Event.APPLY_STARTED: State.APPLYING,
        Event.DISPATCH_STARTED: State.DISPATCHING,
        Event.BLOCKED: State.BLOCKED,
        Event.VOIDED: State.REVIEW,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.APPLYING: {
        Event.APPLIED: State.DISPATCHING,
        Event.DIFFERED: State.REVIEW,
        Event.BLOCKED: State.BLOCKED,
        Event.WITHDRAWN: State.REVIEW,  # what is applied stays applied and must be told
    },
    State.DISPATCHING: {
        Event.DISPATCHED: State.CLOSED,
        Event.RECALLED: State.REVIEW,
        Event.UNDELIVERABLE: State.REVIEW,
        Event.BLOCKED: State.BLOCKED,
    },
    State.BLOCKED: {
        Event.DISPATCHED: State.CLOSED,
        Event.DISPATCH_STARTED: State.DISPATCHING,
        Event.APPLY_STARTED: State.APPLYING,
        Event.VOIDED: State.REVIEW,
        Event.WITHDRAWN: State.CLOSED,
    },
    State.CLOSED: {
        Event.BOUNCED: State.REVIEW,
        Event.REOPENED: State.REVIEW,
    },
}


class Outcome(StrEnum):
    """How a closed request ended."""

    FULFILLED = "fulfilled"  #: Everything that was asked was done.
    PARTLY = "partly"  #: Some of it was done, the rest is explained.
    NOTHING_FOUND = "nothing_found"  #: No data about the person were found.
    REFUSED = "refused"  #: It was refused with reasons.
    UNIDENTIFIED = "unidentified"  #: Identity could not be confirmed.
    WITHDRAWN = "withdrawn"  #: The requester took it back.
    NOT_A_REQUEST = "not_a_request"  #: A person found that nothing was asked.
    MERGED = "merged"  #: It went on in another case.


def next_state(reference: str, state: State, event: Event) -> State:
    """
    State that *event* leads to from *state*.

    Args: reference: of the request, for the message only.
    Raises: IllegalTransitionError if the table has no such row.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransitionError(reference, state.value, event.value) from None
