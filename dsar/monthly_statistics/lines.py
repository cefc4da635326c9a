"""
Figures -> named lines with labels and explanations, in the order in which every form shows them.

Effects: none. One table: a figure that is missing here is shown nowhere.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dsar.lifecycle import Outcome
from dsar.model import Text
from dsar.monthly_statistics.figures import COUNTED_OUTCOMES, Figures

Number = int | float | None


class Line(NamedTuple):
    """One figure."""

    key: str  #: In JSON and CSV.
    label: Text
    value: Callable[[Figures], Number]
    part: bool = False  #: It is part of the line above.


def _extended(reason: str) -> Callable[[Figures], Number]:
    return lambda figures: figures.extended.get(reason, 0)


def _outcome(outcome: Outcome) -> Callable[[Figures], Number]:
    return lambda figures: figures.outcomes.get(outcome, 0)


_OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.FULFILLED: Text(sv="Utfall: uppfyllda", en="Fulfilled"),
    Outcome.PARTLY: Text(sv="delvis uppfyllda", en="partly fulfilled"),
    Outcome.NOTHING_FOUND: Text(sv="inga uppgifter fanns", en="no data were held"),
    Outcome.REFUSED: Text(sv="avslagna", en="refused"),
    Outcome.UNIDENTIFIED: Text(sv="identitet ej bekräftad", en="identity not confirmed"),
    Outcome.WITHDRAWN: Text(sv="återkallade", en="withdrawn"),
}

LINES = (
    Line("received", Text(sv="Inkomna", en="Received"), lambda f: f.received),
    Line("asked", Text(sv="identitet efterfrågad", en="asked who they are"), lambda f: f.asked, part=True),
    Line("open_at_end", Text(sv="Öppna vid slutet", en="Open at the end"), lambda f: f.open_at_end),
    Line("overdue", Text(sv="försenade", en="of these overdue"), lambda f: f.overdue, part=True),
    Line("unsorted", Text(sv="osorterade", en="of these unsorted"), lambda f: f.unsorted, part=True),
    Line("reopened", Text(sv="återupptagna", en="of these reopened"), lambda f: f.reopened, part=True),
    Line("closed", Text(sv="Avslutade", en="Closed"), lambda f: f.closed),
    Line("in_time", Text(sv="i tid", en="in time"), lambda f: f.in_time, part=True),
    Line("late", Text(sv="för sent", en="late"), lambda f: f.late, part=True),
    Line("extended", Text(sv="Förlängda", en="Extended"), lambda f: sum(f.extended.values())),
    Line(
        "extended_complexity",
        Text(sv="för att de var komplicerade", en="for their complexity"),
        _extended("complexity"),
        part=True,
    ),
    Line("extended_number", Text(sv="för att de var många", en="for their number"), _extended("number"), part=True),
    Line("paused_days", Text(sv="Dagar som räknats bort", en="Paused days"), lambda f: f.paused_days),
    Line("median_days", Text(sv="Dagar till svar, median", en="Days, median"), lambda f: f.gross.median),
    Line("p90_days", Text(sv="nio av tio inom", en="90 of 100 within"), lambda f: f.gross.p90, part=True),
    Line("max_days", Text(sv="längst", en="longest"), lambda f: f.gross.longest, part=True),
    Line("net_median_days", Text(sv="utan pauser, median", en="net, median"), lambda f: f.net.median, part=True),
    Line("net_p90_days", Text(sv="utan pauser, nio av tio", en="net, 90 of 100"), lambda f: f.net.p90, part=True),
    Line("net_max_days", Text(sv="utan pauser, längst", en="net, longest"), lambda f: f.net.longest, part=True),
    Line(
        "stop_median_hours",
        Text(sv="Timmar till reklamstopp, median", en="Hours to stop, median"),
        lambda f: f.stop_hours.median,
    ),
    Line("stop_max_hours", Text(sv="längst", en="longest"), lambda f: f.stop_hours.longest, part=True),
    *(
        Line(f"outcome_{outcome}", _OUTCOMES[outcome], _outcome(outcome), part=index > 0)
        for index, outcome in enumerate(COUNTED_OUTCOMES)
    ),
)


def shown(number: Number, language: str = "en") -> str:
    """ "12", "3.5" or "3,5", "-" for none."""
    if number is None:
        return "-"
    if number == int(number):
        return str(int(number))
    from babel.numbers import format_decimal  # slow to load, and seldom needed

    return format_decimal(number, format="0.#", locale=language)
