"""What the statistics count, gathered: requests, unsorted mails, systems that kept cases waiting, outages of mail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from dsar import deadlines, monthly_statistics
from dsar.casework import timekeeping
from dsar.casework.context import App
from dsar.deadlines import STOCKHOLM
from dsar.model import Disposition, RequestTimes, SystemOutcome
from dsar.monthly_statistics import HeldUp, MonthlyStatistics, Outage
from dsar.store import Transaction
from dsar.store.tables import EventRow, Message

#: Mails that wait for a person and are no requests, whatever that person finds.
_NO_REQUESTS = frozenset({Disposition.BOUNCE, Disposition.AUTO_REPLY, Disposition.AUTHORITY})

#: Outcomes of a search that keep a case waiting.
_WAITED_FOR = frozenset({SystemOutcome.FAILED, SystemOutcome.PARTIAL, SystemOutcome.WAITING})


def statistics(app: App, *, first_on: date, last_on: date, today: date) -> MonthlyStatistics:
    """The figures of the Stockholm days *first_on* to *last_on*."""
    until = datetime.combine(last_on + timedelta(days=1), time(), tzinfo=STOCKHOLM)
    period = {"first_on": first_on, "last_on": last_on}
    with app.store.transaction(read_only=True) as tx:
        searches, alarms = tx.searches_held_up(), tx.alarms(until=until)
        return monthly_statistics.summarise(
            _each(app, tx),
            today=today,
            held_up=[_with_owner(app, each) for each in held_up(searches, today=today, **period)],
            outages=list(outages(alarms, **period)),
            **period,
        )


def request_times(app: App) -> list[RequestTimes]:
    """
    One value per request, and one per mail without a case that waits for a person.

    Art. 12(3) runs for what nobody has sorted, too: leaving mails unsorted must not make the figures better.
    """
    with app.store.transaction(read_only=True) as tx:
        return list(_each(app, tx))


def _each(app: App, tx: Transaction) -> Iterator[RequestTimes]:
    yield from tx.request_times()
    yield from (_unsorted(app, each) for each in tx.messages_waiting() if each.disposition not in _NO_REQUESTS)


def _unsorted(app: App, message: Message) -> RequestTimes:
    dates = deadlines.deadlines(deadlines.received_on(message.received_at), closures=app.settings.closures)
    return RequestTimes(
        reference=f"M-{message.id}",
        right=None,
        received_at=message.received_at,
        legal_on=dates.legal_on,
        is_sorted=False,
    )


# ---------------------------------------------------------------------------------------------- systems that kept us


def held_up(searches: Iterable[EventRow], *, first_on: date, last_on: date, today: date) -> Iterator[HeldUp]:
    """
    Days of the period that cases waited for each system: from a search that it did not answer to the next that it did.

    Args: searches: events "searched", in order.
    """
    waited: dict[str, dict[int, int]] = {}
    since: dict[tuple[int, str], date] = {}
    end = min(last_on, today) + timedelta(days=1)
    for event in searches:
        on = deadlines.received_on(event.at)
        for system, outcome in _outcomes(event).items():
            place = (event.case_id or 0, system)
            if outcome in _WAITED_FOR:
                since.setdefault(place, on)
            elif began := since.pop(place, None):
                _add(waited, place, _days_within(began, on, first_on, end))
    for place, began in since.items():
        _add(waited, place, _days_within(began, end, first_on, end))
    for system, cases in waited.items():
        yield HeldUp(system=system, owner=None, cases=len(cases), days=sum(cases.values()))


def _outcomes(event: EventRow) -> Mapping[str, str]:
    """{system: outcome}; digests of what was searched for are numbered."""
    return {name: text.partition(" ")[0] for name, text in event.detail.items() if not name.isdecimal()}


def _days_within(began: date, ended: date, first_on: date, end: date) -> int:
    return (min(ended, end) - max(began, first_on)).days


def _add(waited: dict[str, dict[int, int]], place: tuple[int, str], days: int) -> None:
    case, system = place
    if days > 0:
        cases = waited.setdefault(system, {})
        cases[case] = cases.get(case, 0) + days


def _with_owner(app: App, each: HeldUp) -> HeldUp:
    section = app.settings.systems.get(each.system)
    return HeldUp(system=each.system, owner=section.owner if section else None, cases=each.cases, days=each.days)


# -------------------------------------------------------------------------------------------------- when mail stood


def outages(alarms: Sequence[EventRow], *, first_on: date, last_on: date) -> Iterator[Outage]:
    """The outages of mail that touch the period. Args: alarms: events "alarm_raised", "alarm_ended", in order."""
    began: dict[str, datetime] = {}
    found: list[Outage] = []
    for event in alarms:
        problem = event.detail.get("problem", "")
        if problem == timekeeping.PROBLEM:
            continue
        if event.name == "alarm_raised":
            began.setdefault(problem, event.at)
        elif problem in began:
            found.append(Outage(what=problem, began_at=began.pop(problem), ended_at=event.at))
    found += [Outage(what=problem, began_at=at, ended_at=None) for problem, at in began.items()]
    for outage in found:
        ended_on = deadlines.received_on(outage.ended_at) if outage.ended_at else last_on
        if deadlines.received_on(outage.began_at) <= last_on and ended_on >= first_on:
            yield outage
