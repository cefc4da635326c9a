"""What the statistics count, gathered from events, and recounted from the audit trail as an auditor would."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office

from dsar.casework import figures
from dsar.casework.grounds import article_of
from dsar.deadlines import STOCKHOLM
from dsar.lifecycle import Event, Outcome, State
from dsar.model import Right
from dsar.monthly_statistics import Figures, HeldUp, Outage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, EventRow, Request

OCTOBER = {"first_on": date(2026, 10, 1), "last_on": date(2026, 10, 31)}
TODAY = date(2026, 12, 1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def searched(day: int, *, case: int = 1, month: int = 10, **outcomes: str) -> EventRow:
    at = datetime(2026, month, day, 10, tzinfo=UTC)
    return EventRow(at=at, actor="dsar", name="searched", case_id=case, detail={"0": "f" * 64, **outcomes})


def waited(*events: EventRow, today: date = TODAY) -> list[HeldUp]:
    return list(figures.held_up(events, today=today, **OCTOBER))


# ------------------------------------------------------------------------------------- systems that kept cases waiting


def test_a_case_waits_for_a_system_until_it_has_answered() -> None:
    found = waited(searched(5, erp="failed 0", shop="found 2"), searched(9, erp="found 1", shop="found 2"))
    assert found == [HeldUp(system="erp", owner=None, cases=1, days=4)]


def test_tries_in_between_do_not_begin_anew() -> None:
    found = waited(searched(5, erp="failed 0"), searched(6, erp="partial 1"), searched(9, erp="nothing 0"))
    assert [each.days for each in found] == [4]


def test_days_of_several_cases_add_up() -> None:
    events = (
        searched(5, erp="waiting 0"),
        searched(6, case=2, erp="waiting 0"),
        searched(7, erp="found 1"),
        searched(8, case=2, erp="found 1"),
    )
    assert waited(*events) == [HeldUp(system="erp", owner=None, cases=2, days=4)]


def test_only_days_of_the_period_count() -> None:
    assert [each.days for each in waited(searched(20, month=9, erp="failed 0"), searched(3, erp="found 1"))] == [2]
    assert [each.days for each in waited(searched(30, erp="failed 0"), searched(9, month=11, erp="found 1"))] == [2]
    assert waited(searched(20, month=9, erp="failed 0"), searched(25, month=9, erp="found 1")) == []


def test_what_has_not_answered_yet_counts_until_today() -> None:
    assert [each.days for each in waited(searched(5, erp="failed 0"), today=date(2026, 10, 7))] == [3]


# ------------------------------------------------------------------------------------------------- when mail stood


def alarm(name: str, day: int, *, month: int = 10, problem: str = "poll:privacy") -> EventRow:
    at = datetime(2026, month, day, 10, tzinfo=UTC)
    return EventRow(at=at, actor="dsar", name=name, detail={"problem": problem})


def test_an_outage_lasts_from_its_alarm_until_it_ended() -> None:
    events = [alarm("alarm_raised", 5), alarm("alarm_raised", 6, problem="self_test"), alarm("alarm_ended", 7)]
    assert list(figures.outages(events, **OCTOBER)) == [
        Outage(what="poll:privacy", began_at=events[0].at, ended_at=events[2].at),
        Outage(what="self_test", began_at=events[1].at, ended_at=None),
    ]


def test_outages_of_other_months_are_not_told() -> None:
    events = [alarm("alarm_raised", 5, month=8), alarm("alarm_ended", 7, month=9)]
    assert list(figures.outages(events, **OCTOBER)) == []


# ------------------------------------------------------------------------------------------------ grounds of refusals


@pytest.mark.parametrize(
    ("words", "article"),
    [
        ("artikel 12.5 i dataskyddsförordningen", "12(5)"),
        ("Art. 17(3)(b) GDPR and the Bookkeeping Act 7:2", "17(3)(b)"),
        ("17.3 e dataskyddsförordningen", "17(3)(e)"),
        ("Article 15 (4)", "15(4)"),
        ("7 kap. 2 § bokföringslagen", ""),
        ("5 kap. 1 § lagen (2018:218)", ""),
        ("artikel 12.5 och 15.4", "12(5)"),
    ],
)
def test_a_refusal_is_counted_by_the_article_that_staff_name_first(words: str, article: str) -> None:
    assert article_of(words) == article


@given(st.text(max_size=200))
def test_whatever_staff_write_gives_an_article_or_none(words: str) -> None:
    assert len(article_of(words)) <= len("17(3)(b)")


# ---------------------------------------------------------------------------------- a year against the audit trail


#: Legal days in this year, by whether the time was extended; the law's own computation is tested elsewhere.
_LEGAL_DAYS = {False: 31, True: 92}


def test_a_year_of_cases_agrees_with_a_recount_from_the_audit_trail(office: Office) -> None:
    """benchmarks/evidence_statistics.py does the same with 5,000."""
    assert list(differences_of_a_year(office, cases=700)) == []


def differences_of_a_year(office: Office, *, cases: int) -> Iterator[str]:
    """
    Live through 2026 with requests that are closed, refused, extended, taken up again and come back; then compare.

    The recount knows nothing but events. Yields: what differs, month by month.
    """
    for first in range(0, cases, 100):
        with office.app.store.transaction() as tx:
            for number in range(first, first + 100):
                live(tx, number, received=datetime(2026, 1, 1, 7, tzinfo=UTC) + timedelta(days=360) * number / cases)
    with office.app.store.transaction(read_only=True) as tx:
        trails = [list(tx.events(case)) for case in range(1, cases + 1)]
    for month in range(1, 13):
        first_on = date(2026, month, 1)
        last_on = (first_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        result = figures.statistics(office.app, first_on=first_on, last_on=last_on, today=date(2027, 12, 1)).total
        said, counted = told(result), recount(trails, first_on, last_on)
        yield from (f"{month}: {name}: {said[name]} {counted[name]}" for name in counted if said[name] != counted[name])


def live(tx: Transaction, number: int, *, received: datetime) -> None:
    """One case, whose fate follows from its number."""
    extended, paused = number % 10 == 3, number % 6 if number % 11 == 0 else 0
    case = tx.add_case(
        CaseFile(reference=f"D-2026-{number + 1:05}", opened_at=received, language="sv", requester="self")
    )
    request = tx.add_request(
        Request(
            case_id=case.id or 0,
            right=list(Right)[number % 5],
            state=State.RECEIVED,
            received_at=received,
            send_by_on=received.date() + timedelta(days=28),
            legal_on=day_of(received) + timedelta(days=_LEGAL_DAYS[extended]),
            paused_days=paused,
            extended_at=received + timedelta(days=9) if extended else None,
        )
    )
    tx.advance(request, Event.SORTED, actor="dsar", at=received, detail={"paused": str(paused)})
    if number % 8 == 0:
        tx.record("identity_asked", actor="dsar", at=received, case_id=case.id)
    if extended:
        because = {"because": "complexity" if number % 20 == 3 else "number"}
        tx.record("extended", actor="anna", at=received, case_id=case.id, request_id=request.id, detail=because)
    answer_at = received + timedelta(days=number % 47)
    if number % 9 == 0:
        return
    close(tx, request, Outcome.REFUSED if number % 7 == 0 else Outcome.FULFILLED, at=answer_at)
    if number % 6 == 0:
        back = Event.BOUNCED if number % 4 == 0 else Event.REOPENED
        at = answer_at + timedelta(days=number % 19)
        tx.advance(request, back, actor="anna", at=at, outcome=None, closed_at=None)
        if number % 5:
            close(tx, request, Outcome.PARTLY, at=at + timedelta(days=number % 23))


def close(tx: Transaction, request: Request, outcome: Outcome, *, at: datetime) -> None:
    if request.state == State.IDENTITY:
        tx.advance(request, Event.UNIDENTIFIED, actor="dsar", at=at)
    if outcome is Outcome.REFUSED:
        tx.advance(request, Event.REFUSED, actor="anna", at=at, refusal_ground="12(5)")
    for event in (Event.APPROVED, Event.DISPATCH_STARTED):
        tx.advance(request, event, actor="bo", at=at)
    tx.advance(
        request, Event.DISPATCHED, actor="dsar", at=at, detail={"outcome": outcome}, outcome=outcome, closed_at=at
    )


def told(total: Figures) -> dict[str, object]:
    """What the program says, by the names that the recount uses."""
    return {
        "received": total.received,
        "asked": total.asked,
        "open": total.open_at_end,
        "overdue": total.overdue,
        "late": total.late,
        "outcomes": dict(total.outcomes),
        "extended": dict(total.extended),
        "gross": (total.gross.median, total.gross.p90, total.gross.longest),
        "net": (total.net.median, total.net.p90, total.net.longest),
    }


def recount(trails: list[list[EventRow]], first_on: date, last_on: date) -> dict[str, object]:
    """The same by reading the trail of each case from its beginning, as an auditor would."""
    counts: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    extended: Counter[str] = Counter()
    gross: list[int] = []
    net: list[int] = []
    for trail in trails:
        named = {event.name: event for event in trail}
        states = [event for event in trail if event.to_state is not None]
        received_on = day_of(states[0].at)
        legal_on = received_on + timedelta(days=_LEGAL_DAYS["extended" in named])
        counts["received"] += first_on <= received_on <= last_on
        counts["asked"] += first_on <= received_on <= last_on and "identity_asked" in named
        last_answer, is_open = None, False
        for event, later in zip(states, [*states[1:], None], strict=True):
            if day_of(event.at) > last_on:
                break
            answered = event.to_state == "closed" and (later is None or later.name != "bounced")
            is_open = not answered
            if answered and day_of(event.at) >= first_on:
                last_answer = event
        counts["open"] += is_open
        counts["overdue"] += is_open and legal_on <= last_on
        if last_answer:
            days = (day_of(last_answer.at) - received_on).days
            outcomes[last_answer.detail["outcome"]] += 1
            counts["late"] += day_of(last_answer.at) > legal_on
            gross.append(days)
            net.append(max(0, days - int(states[0].detail["paused"])))
        if "extended" in named and (is_open or last_answer):
            extended[named["extended"].detail["because"]] += 1
    return {
        **{name: counts[name] for name in ("received", "asked", "open", "overdue", "late")},
        "outcomes": dict(outcomes),
        "extended": dict(extended),
        "gross": ranks(gross),
        "net": ranks(net),
    }


def ranks(days: list[int]) -> tuple[float, int, int]:
    """Median, the least that nine of ten do not exceed, the most; by counting, not by formula."""
    middle = sorted(days)[(len(days) - 1) // 2 : len(days) // 2 + 1]
    nine_of_ten = next(day for day in sorted(days) if sum(other <= day for other in days) * 10 >= len(days) * 9)
    return sum(middle) / len(middle), nine_of_ten, max(days)


def day_of(at: datetime) -> date:
    return at.astimezone(STOCKHOLM).date()


@pytest.mark.sqlite_file
def test_the_first_events_of_each_request_are_looked_up_by_an_index(office: Office) -> None:
    """Half of all senders are asked who they are; going through that for each request took minutes for a year."""
    asked: list[str] = []
    engine = office.app.store.engine
    sa.event.listen(engine, "before_cursor_execute", lambda _c, _cursor, sql, *_: asked.append(sql))
    with office.app.store.transaction() as tx:
        assert list(tx.request_times()) == []
    (query,) = [sql for sql in asked if "request_closing" in sql]
    with engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", ("",) * query.count("?"))]
    assert [step for step in plan if "event" in step] == [
        "SEARCH event USING INDEX ix_event_identity_asked (case_id=?)",
        "SEARCH event USING INDEX ix_event_applied (request_id=?)",
    ]
