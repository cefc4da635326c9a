"""What the statistics count, gathered from events, and recounted from the audit trail as an auditor would."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office

from dsar.casework import figures
from dsar.casework.grounds import article_of
from dsar.deadlines import STOCKHOLM
from dsar.lifecycle import Event, Outcome, State
from dsar.model import Right
from dsar.monthly_statistics import HeldUp, Outage
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


def test_a_year_of_cases_agrees_with_a_recount_from_the_audit_trail(office: Office) -> None:
    """Requests that are closed, refused, taken up again and come back; the recount knows nothing but events."""
    for number in range(400):
        live(office, number)
    with office.app.store.transaction() as tx:
        events = [event for case in range(1, 401) for event in tx.events(case)]

    for month in range(1, 13):
        first_on = date(2026, month, 1)
        last_on = (first_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        result = figures.statistics(office.app, first_on=first_on, last_on=last_on, today=date(2027, 3, 1)).total
        received, outcomes, still_open = recount(events, first_on, last_on)
        assert (result.received, dict(result.outcomes), result.open_at_end) == (received, outcomes, still_open)


def live(office: Office, number: int) -> None:
    """One case, whose fate follows from its number."""
    received = datetime(2026, 1, 1, 7, tzinfo=UTC) + timedelta(hours=21 * number)
    with office.app.store.transaction() as tx:
        reference = f"D-2026-{number + 1:05}"
        case = tx.add_case(CaseFile(reference=reference, opened_at=received, language="sv", requester="self"))
        request = tx.add_request(
            Request(
                case_id=case.id or 0,
                right=list(Right)[number % 5],
                state=State.RECEIVED,
                received_at=received,
                send_by_on=received.date() + timedelta(days=28),
                legal_on=received.date() + timedelta(days=31),
            )
        )
        tx.advance(request, Event.SORTED, actor="dsar", at=received, detail={"received": received.isoformat()})
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


def recount(events: list[EventRow], first_on: date, last_on: date) -> tuple[int, dict[str, int], int]:
    """(received, {outcome: closed}, open at the end) by reading the trail from the beginning."""
    by_request: dict[int, list[EventRow]] = defaultdict(list)
    for event in events:
        if event.request_id is not None:
            by_request[event.request_id].append(event)
    received, still_open = 0, 0
    outcomes: Counter[str] = Counter()
    for trail in by_request.values():
        received += first_on <= day_of(trail[0]) <= last_on
        last_answer, is_open = None, False
        for event, later in zip(trail, [*trail[1:], None], strict=True):
            if day_of(event) > last_on:
                break
            answered = event.to_state == "closed" and (later is None or later.name != "bounced")
            is_open = not answered
            if answered and day_of(event) >= first_on:
                last_answer = event.detail["outcome"]
        still_open += is_open
        if last_answer:
            outcomes[last_answer] += 1
    return received, dict(outcomes), still_open


def day_of(event: EventRow) -> date:
    return event.at.astimezone(STOCKHOLM).date()
