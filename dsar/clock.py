"""
What happened to one request -> its statutory clock: pauses and extension replayed, each step with its source.

Effects: none. A pause or an extension counts only under its conditions, and whatever does not count is said, too. The
order in which things became known does not matter: the clock follows from all of them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dsar import deadlines
from dsar.deadlines import days_told, name_of, pause_days, total_pause_days
from dsar.locale import said
from dsar.model import Deadlines, Right


class QuestionKind(StrEnum):
    """What a requester may be asked while the time for our answer does not run (EDPB 01/2022 s. 5.3)."""

    IDENTITY = "identity"  #: Who they are: Art. 12(6), only on "reasonable doubts" in the individual case.
    SCOPE = "scope"  #: What they want: recital 63, only for "a large quantity of information".
    OTHER = "other"  #: Anything else we would like to know: the time runs on.


class ExtensionReason(StrEnum):
    """Art. 12(3): "taking into account the complexity and number of the requests"; nothing else is a reason."""

    COMPLEXITY = "complexity"
    NUMBER = "number"


#: Art. 21(3), 18(1), 7(3): protective, so that nothing that we still want to know holds them up.
UNPAUSED = frozenset({Right.OBJECT, Right.RESTRICT})


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question to the requester."""

    kind: QuestionKind
    left_on: date  #: Stockholm day on which the letter left.
    answered_on: date | None  #: Stockholm day on which the answer reached us; None: never.
    grounded: bool = True  #: Its condition was written down: the individual doubt, or the large quantity.


@dataclass(frozen=True, kw_only=True)
class Extension:
    """A notice that the answer takes longer."""

    left_on: date  #: Stockholm day on which the letter left.
    until: date | None = None  #: The new date that it names; None: all that the law allows.


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The dates of one request as they stand."""

    dates: Deadlines  #: Of the month and of a full extension, pauses included.
    nominal_on: date  #: The date that letters name.
    legal_on: date  #: Outer limit.
    send_by_on: date  #: Planning date.
    refuse_by_on: date  #: Art. 12(4): a refusal is told within the month, extended or not.
    paused_days: int
    extended: bool  #: An extension counts.
    explanation: tuple[str, ...]  #: Each step with its source, in words.

    def gross_days(self, until: date) -> int:
        """Calendar days since receipt; statistics show these and no others."""
        return (until - self.dates.received_on).days

    def net_days(self, until: date) -> int:
        """Calendar days since receipt during which the time for our answer ran."""
        return max(0, self.gross_days(until) - self.paused_days)


def run(
    received_on: date,
    right: Right,
    *,
    questions: Sequence[Question] = (),
    extension: Extension | None = None,
    closures: frozenset[date] = frozenset(),
) -> Clock:
    """
    The clock of a request for *right*.

    Args: received_on: Stockholm date of receipt; closures: days on which the company is closed; the law stays.
    """
    unpaused = deadlines.deadlines(received_on, closures=closures)
    judged = [_judge(each, right, unpaused) for each in sorted(questions, key=lambda each: each.left_on)]
    paused = total_pause_days([found for found, _ in judged if found is not None])
    dates = deadlines.deadlines(received_on, paused_days=paused, closures=closures)
    counts = extension is not None and right is not Right.OBJECT and extension.left_on <= dates.legal_on
    told = extension.until if extension else None
    nominal = dates.nominal_on
    if counts:
        nominal = max(nominal, min(told or dates.extended_nominal_on, dates.extended_nominal_on))
    legal, send_by = deadlines.around(nominal, received_on, closures=closures)
    explanation = [*dates.explanation, *(why for _, why in judged)]
    if extension is not None:
        explanation.append(_explain_extension(extension, dates, nominal, counts=counts))
    if right is Right.OBJECT:
        send_by = deadlines.add_working_days(received_on, 1)
        explanation.append(
            said(
                "Marketing stops by the next working day, {day}: at once and without weighing (Art. 21(3) GDPR); no "
                "question pauses it and no extension moves it.",
                day=name_of(send_by),
            )
        )
    return Clock(
        dates=dates,
        nominal_on=nominal,
        legal_on=legal,
        send_by_on=send_by,
        refuse_by_on=dates.send_by_on,
        paused_days=paused,
        extended=counts,
        explanation=tuple(explanation),
    )


def can_pause(right: Right, received_on: date, asked_on: date) -> bool:
    """Whether a question that leaves on *asked_on* can still pause the clock, if its condition is met."""
    return right not in UNPAUSED and asked_on <= deadlines.ask_by(received_on)


def _judge(question: Question, right: Right, unpaused: Deadlines) -> tuple[tuple[date, date] | None, str]:
    """The days during which a question pauses the clock, None if it does not; and why, in words."""
    about = said(
        "The question about {kind} that left on {day}", kind=_ABOUT[question.kind], day=name_of(question.left_on)
    )
    sentence = "{question} pauses nothing: {why}."
    received, ask_by = unpaused.received_on, deadlines.ask_by(unpaused.received_on)
    if right in UNPAUSED:
        why = said("this right is never paused (Art. 18, 21(3) GDPR)")
        return None, said(sentence, question=about, why=why)
    if question.left_on > ask_by:
        why = said("it was not asked without undue delay, by {day} (EDPB 01/2022 s. 5.3)", day=name_of(ask_by))
        return None, said(sentence, question=about, why=why)
    if not question.grounded:
        return None, said(sentence, question=about, why=_CONDITION[question.kind])
    if question.answered_on is None:
        return None, said(
            "{question} has no answer, which moves nothing: what can be said is said by {day}.",
            question=about,
            day=name_of(unpaused.send_by_on),
        )
    begins = max(question.left_on, received)  # a right that was added later waits for the same answer
    # A pause does not run past the month in which a refusal must be told (Art. 12(4)).
    ends = max(begins, min(question.answered_on, unpaused.send_by_on))
    return (begins, ends), said(
        "{question} was answered on {day}: the time did not run for {days} (Art. 12(6) GDPR, EDPB 01/2022 s. 5.3).",
        question=about,
        day=name_of(question.answered_on),
        days=days_told(pause_days(begins, ends)),
    )


_ABOUT = {
    QuestionKind.IDENTITY: said("identity"),
    QuestionKind.SCOPE: said("scope"),
    QuestionKind.OTHER: said("other"),
}

_CONDITION = {
    QuestionKind.IDENTITY: said("no reasonable doubt about this very sender is written down (Art. 12(6) GDPR)"),
    QuestionKind.SCOPE: said("no large quantity of information stands behind it (recital 63 GDPR)"),
    QuestionKind.OTHER: said("only who asks, and what of a large quantity is wanted, can (EDPB 01/2022 s. 5.3)"),
}


def _explain_extension(extension: Extension, dates: Deadlines, nominal: date, *, counts: bool) -> str:
    left = name_of(extension.left_on)
    if not counts:
        return said(
            "The notice of extension left on {day}, after {legal}: it has no effect, because the person is informed "
            '"within one month of receipt" (Art. 12(3) GDPR).',
            day=left,
            legal=name_of(dates.legal_on),
        )
    return said(
        "Extended to {until} by the notice that left on {day} (Art. 12(3) GDPR).", until=name_of(nominal), day=left
    )
