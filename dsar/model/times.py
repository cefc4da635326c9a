"""
deadlines, statistics: the clock of a request, and what statistics know of it.

Effects: none.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from dsar.lifecycle import Outcome
from dsar.model.terms import Right


class ClosedOnce(NamedTuple):
    """One time that a request was closed; a tuple, as are those below, since statistics make one for every request."""

    at: datetime
    outcome: Outcome
    legal_on: date  #: Last day allowed by law as it stood then, extension included.
    ground: str = ""  #: Of a refusal: the article that it rests on, e.g. "12(5)".
    paused_days: int = 0
    reopened_at: datetime | None = None  #: When it was taken up again.


class RequestTimes(NamedTuple):
    """What statistics need to know of one request; it survives the purge of its case and names nobody."""

    reference: str  #: Of the case, or of a mail without one.
    right: Right | None  #: None: a mail that nobody has sorted yet; in doubt it is a request.
    received_at: datetime
    legal_on: date  #: Last day allowed by law, extension included.
    closings: tuple[ClosedOnce, ...] = ()  #: In order.
    paused_days: int = 0
    is_sorted: bool = True  #: False: it waits for a person who says what it asks for.
    extended_because: str | None = None  #: clock.ExtensionReason; None: it was not extended.
    asked_on: date | None = None  #: When the sender was first asked to confirm who they are.
    stopped_at: datetime | None = None  #: When marketing was stopped.


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """The statutory clock of one request, all Stockholm dates (see dsar.deadlines)."""

    received_on: date
    nominal_on: date  #: One calendar month; the date that letters name.
    legal_on: date  #: Outer limit after weekends and holidays.
    send_by_on: date  #: Planning date: the last open day on or before nominal_on.
    extended_nominal_on: date
    extended_legal_on: date
    extended_send_by_on: date
    explanation: tuple[str, ...] = field(default_factory=tuple)  #: Each step with its source, in words.
