"""Pauses and extensions replayed: the worked examples 35-42, and a second, independent computation over 2020-2040."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar import deadlines
from dsar.clock import UNPAUSED, Extension, Question, QuestionKind, can_pause, run
from dsar.model import Right

DAY = timedelta(days=1)


def day(text: str) -> date:
    return date.fromisoformat(text)


def asked(left: str, answered: str | None, kind: QuestionKind = QuestionKind.IDENTITY) -> Question:
    return Question(kind=kind, left_on=day(left), answered_on=day(answered) if answered else None)


#: Number, received, question (kind, left, answered), extension left -> date, what it is, what the example shows.
EXAMPLES = [
    (35, "2027-01-11", ("identity", "2027-01-13", "2027-01-20"), None, "nominal_on", "2027-02-18"),
    (35, "2027-01-11", ("identity", "2027-01-13", "2027-01-20"), "2027-02-01", "nominal_on", "2027-04-18"),
    (35, "2027-01-11", ("identity", "2027-01-13", "2027-01-20"), "2027-02-01", "legal_on", "2027-04-19"),
    (35, "2027-01-11", ("identity", "2027-01-13", "2027-01-20"), "2027-02-01", "send_by_on", "2027-04-16"),
    (36, "2027-01-11", ("identity", "2027-02-01", "2027-02-05"), None, "nominal_on", "2027-02-11"),
    (37, "2027-01-11", ("identity", "2027-01-13", None), None, "refuse_by_on", "2027-02-11"),
    (37, "2027-01-11", ("identity", "2027-01-13", None), None, "send_by_on", "2027-02-11"),
    (38, "2027-03-15", ("identity", "2027-03-16", "2027-03-23"), None, "nominal_on", "2027-04-22"),
    (38, "2027-03-15", ("identity", "2027-03-16", "2027-03-23"), "2027-04-22", "nominal_on", "2027-06-22"),
    (38, "2027-03-15", ("identity", "2027-03-16", "2027-03-23"), "2027-04-23", "nominal_on", "2027-04-22"),
    (39, "2027-05-20", ("scope", "2027-05-21", "2027-05-24"), None, "nominal_on", "2027-06-23"),
    (40, "2027-01-11", None, "2027-02-12", "legal_on", "2027-02-11"),
    (42, "2027-02-03", None, None, "legal_on", "2027-03-03"),
]


@pytest.mark.parametrize(
    ("number", "received", "question", "extended", "which", "expected"),
    EXAMPLES,
    ids=[f"{row[0]}-{row[4]}-{row[5]}" for row in EXAMPLES],
)
def test_worked_example(
    number: int,
    received: str,
    question: tuple[str, str, str | None] | None,
    extended: str | None,
    which: str,
    expected: str,
) -> None:
    kind, *days = question or ("identity",)
    found = run(
        day(received),
        Right.ACCESS,
        questions=[asked(*days, kind=QuestionKind(kind))] if question else [],  # type: ignore[arg-type,misc]
        extension=Extension(left_on=day(extended)) if extended else None,
    )
    assert getattr(found, which) == day(expected), number


def test_example_40_is_said_to_be_without_effect() -> None:
    found = run(day("2027-01-11"), Right.ACCESS, extension=Extension(left_on=day("2027-02-12")))
    assert not found.extended
    assert "has no effect" in found.explanation[-1]


def test_example_41_the_marketing_stop_and_the_access_have_clocks_of_their_own() -> None:
    received = day("2027-01-16")
    question = [asked("2027-01-18", "2027-01-25")]
    stop = run(received, Right.OBJECT, questions=question, extension=Extension(left_on=day("2027-01-20")))
    access = run(received, Right.ACCESS, questions=question)

    assert (stop.send_by_on, stop.paused_days, stop.extended) == (day("2027-01-18"), 0, False)
    assert (access.nominal_on, access.paused_days) == (day("2027-02-23"), 7)
    assert run(received, Right.ACCESS).nominal_on == day("2027-02-16")


@pytest.mark.parametrize("right", sorted(UNPAUSED))
def test_what_protects_is_never_paused(right: Right) -> None:
    """Marketing stop, withdrawn consent, restriction."""
    found = run(day("2027-01-11"), right, questions=[asked("2027-01-12", "2027-01-22")])
    assert (found.paused_days, found.legal_on) == (0, day("2027-02-11"))
    assert not can_pause(right, day("2027-01-11"), day("2027-01-11"))


def test_a_question_without_a_written_doubt_pauses_nothing() -> None:
    """Art. 12(6): "reasonable doubts"."""
    question = Question(
        kind=QuestionKind.IDENTITY, left_on=day("2027-01-12"), answered_on=day("2027-01-20"), grounded=False
    )
    found = run(day("2027-01-11"), Right.ACCESS, questions=[question])
    assert found.paused_days == 0
    assert any("no reasonable doubt about this very sender is written down" in said for said in found.explanation)


def test_a_right_added_later_waits_from_its_own_receipt() -> None:
    """One question, two rights: the time before a right was exercised is not subtracted from its month."""
    question = [asked("2027-01-12", "2027-01-20")]
    assert run(day("2027-01-11"), Right.ACCESS, questions=question).paused_days == 8
    assert run(day("2027-01-15"), Right.ERASE, questions=question).paused_days == 5


def test_an_extension_to_an_earlier_day_holds_to_the_day_that_was_told() -> None:
    found = run(
        day("2027-01-11"), Right.ACCESS, extension=Extension(left_on=day("2027-02-01"), until=day("2027-03-01"))
    )
    assert (found.nominal_on, found.legal_on) == (day("2027-03-01"), day("2027-03-01"))
    assert found.refuse_by_on == day("2027-02-11")  # Art. 12(4) knows no extension


def test_gross_and_net_days() -> None:
    found = run(day("2027-01-11"), Right.ACCESS, questions=[asked("2027-01-13", "2027-01-20")])
    assert (found.gross_days(day("2027-02-11")), found.net_days(day("2027-02-11"))) == (31, 24)


def test_every_step_names_its_source() -> None:
    found = run(
        day("2027-01-11"),
        Right.ACCESS,
        questions=[asked("2027-01-13", "2027-01-20"), asked("2027-02-01", "2027-02-05")],
        extension=Extension(left_on=day("2027-02-10")),
    )
    text = "\n".join(found.explanation)
    for source in (
        "Reg. 1182/71 art. 3(1)",
        "Reg. 1182/71 art. 3(2)(c)",
        "left on Wednesday 2027-01-13 was answered on Wednesday 2027-01-20: the time did not run for 7 days",
        "left on Monday 2027-02-01 pauses nothing: it was not asked without undue delay, by Wednesday 2027-01-13",
        "Extended to Sunday 2027-04-18 by the notice that left on Wednesday 2027-02-10 (Art. 12(3) GDPR)",
    ):
        assert source in text


# ------------------------------------------------------------------------------------------ a second computation

days = st.dates(date(2020, 1, 1), date(2040, 8, 31))
spans = st.tuples(st.integers(0, 45), st.integers(0, 45)).map(sorted)


def _walk(received: date, spans: list[list[int]]) -> date:
    """The month as a row of days to be used up: a day on which a counted question was open is not used up."""
    first_of_next = (received.replace(day=1) + 32 * DAY).replace(day=1)
    last = (first_of_next + 32 * DAY).replace(day=1) - DAY
    length = (min(first_of_next + (received.day - 1) * DAY, last) - received).days
    asking_ends, working = received, 0
    while working < 2:
        asking_ends += DAY
        working += deadlines.is_working_day(asking_ends)
    plan = deadlines.deadlines(received).send_by_on
    open_on = {
        received + offset * DAY
        for left, answered in spans
        if received + left * DAY <= asking_ends
        for offset in range(left, answered)
        if received + offset * DAY < plan
    }
    paused = len(open_on)
    return received + (length + paused) * DAY


@given(received=days, spans=st.lists(spans, max_size=4))
def test_pauses_agree_with_counting_day_by_day(received: date, spans: list[list[int]]) -> None:
    questions = [
        Question(kind=QuestionKind.IDENTITY, left_on=received + left * DAY, answered_on=received + answered * DAY)
        for left, answered in spans
    ]
    assert run(received, Right.ACCESS, questions=questions).nominal_on == _walk(received, spans)


@given(received=days, spans=st.lists(spans, max_size=3), extended_after=st.integers(0, 60))
def test_the_order_in_which_things_become_known_does_not_matter(
    received: date, spans: list[list[int]], extended_after: int
) -> None:
    questions = [
        Question(kind=QuestionKind.IDENTITY, left_on=received + left * DAY, answered_on=received + answered * DAY)
        for left, answered in spans
    ]
    extension = Extension(left_on=received + extended_after * DAY)
    found = {
        (each.nominal_on, each.legal_on, each.send_by_on, each.paused_days)
        for order in permutations(questions)
        for each in [run(received, Right.ACCESS, questions=order, extension=extension)]
    }
    assert len(found) == 1


@given(
    received=days,
    right=st.sampled_from(list(Right)),
    spans=st.lists(spans, max_size=3),
    extended_after=st.none() | st.integers(0, 120),
    until_after=st.none() | st.integers(0, 200),
)
def test_never_later_than_the_law_and_never_planned_for_a_closed_day(
    received: date, right: Right, spans: list[list[int]], extended_after: int | None, until_after: int | None
) -> None:
    """Whatever is asked and extended: at most three months and the days of valid pauses, on an open day."""
    questions = [
        Question(kind=QuestionKind.IDENTITY, left_on=received + left * DAY, answered_on=received + answered * DAY)
        for left, answered in spans
    ]
    until = None if until_after is None else received + until_after * DAY
    extension = None if extended_after is None else Extension(left_on=received + extended_after * DAY, until=until)

    found = run(received, right, questions=questions, extension=extension)

    limit = found.dates.extended_legal_on if found.extended else found.dates.legal_on
    assert found.legal_on <= limit
    assert found.paused_days <= 31
    assert deadlines.is_working_day(found.send_by_on)
    assert found.refuse_by_on == found.dates.send_by_on
    if right is not Right.OBJECT:
        assert found.send_by_on <= found.nominal_on
        assert not deadlines.is_eve(found.send_by_on)
