"""
What the program would do -> what is planned once a system has refused a step, or a person has said otherwise.

A refusal, as of a customer with open invoices, is no error: it becomes a line that a person does. A person's word has a
reason, shows in the timeline and makes its author one of the authors of the letter, who do not approve it alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsar.casework import traces
from dsar.casework.context import App, LineChoice, LineWord, line_of, record_index, seal_line, seal_reason, steps_of
from dsar.connector import Restricts, Searches
from dsar.errors import SystemRefusedError, UsageError
from dsar.lifecycle import State
from dsar.locale import said
from dsar.model import PlanStep, Record, Right, StepAction, Text
from dsar.store import Transaction
from dsar.store.tables import CaseFile, PlanLine, Request

#: Right -> what a person may decide about a record in its plan.
_CHOICES: Mapping[Right, frozenset[LineChoice]] = {
    Right.ERASE: frozenset(LineChoice),
    Right.UPDATE: frozenset({LineChoice.TASK, LineChoice.AGAIN}),
    Right.OBJECT: frozenset({LineChoice.TASK, LineChoice.AGAIN}),
    Right.RESTRICT: frozenset({LineChoice.TASK, LineChoice.AGAIN}),
}

_REFUSED = Text(
    sv="Systemet tillåter det inte ännu, till exempel för att något är öppet; en person gör det.",
    en="The system does not allow it yet, for instance because something is open; a person does it.",
)


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Persons' words and systems' refusals that a plan heeds."""

    words: Mapping[str, LineWord]  #: {blind index of a record: word}
    refused: frozenset[str]  #: Blind indexes of records.


def corrections_of(app: App, tx: Transaction, case: CaseFile, request: Request | None) -> Corrections:
    """What a plan of *request* heeds."""
    if request is None:
        return Corrections(words={}, refused=frozenset())
    rows = tx.lines_of(request.id or 0)
    words = {index: line_of(app, case, row) for index, row in rows.items()}
    again = {index: rows[index].at for index, word in words.items() if word.choice is LineChoice.AGAIN}
    refused = {
        index
        for index, at in _refusals(app, tx, case, request)
        if index not in again or at is None or at > again[index]
    }
    return Corrections(words=words, refused=frozenset(refused))


def _refusals(app: App, tx: Transaction, case: CaseFile, request: Request) -> Iterator[tuple[str, datetime | None]]:
    """(blind index of a record, when) of every step that a system has refused."""
    for known in tx.plans_of(request.id or 0):
        failed = {
            position: entry
            for position, entry in tx.ledger(known.id or 0).items()
            if entry.state == "failed" and entry.detail == SystemRefusedError.__name__
        }
        steps = steps_of(app, case, known) if failed else ()
        yield from ((record_index(app, steps[position]), entry.ended_at) for position, entry in failed.items())


def freed(app: App, said: Corrections, records: Sequence[Record]) -> list[Record]:
    """*records*, without the law of those that no law keeps by a person's word."""
    return [
        replace(record, keep_law=None, keep_until=None)
        if (word := said.words.get(record_index(app, record))) and word.choice is LineChoice.ERASE
        else record
        for record in records
    ]


def corrected(
    app: App, said: Corrections, system: Searches, records: Sequence[Record], steps: Sequence[PlanStep]
) -> list[PlanStep]:
    """*steps* of one system, with the lines of records that are decided otherwise."""
    result: list[PlanStep] = []
    by_index = {record_index(app, record): record for record in records}
    done: set[str] = set()
    for step in steps:
        index = record_index(app, step)
        lines = _lines(said, index, step, system, by_index[index])
        if lines is None:
            result.append(step)
        elif index not in done:
            done.add(index)
            result += lines
    return result


def _lines(said: Corrections, index: str, step: PlanStep, system: Searches, record: Record) -> list[PlanStep] | None:
    """What stands in place of all steps of a record; None: they stay."""
    word = said.words.get(index)
    bare = replace(step, law=None, until=None, changes=())
    if word and word.choice is LineChoice.KEEP:
        law, reason = (Text(sv=text, en=text) for text in (word.law, word.reason))
        locks = system.plan_restrict([record]) if isinstance(system, Restricts) else ()
        return [replace(bare, action=StepAction.KEEP, reason=reason, law=law, until=word.until), *locks]
    if word and word.choice is LineChoice.TASK:
        reason = Text(sv=word.reason, en=word.reason)
        return [replace(bare, action=StepAction.TASK, reason=reason, changes=step.changes)]
    if index in said.refused:
        return [replace(bare, action=StepAction.TASK, reason=_REFUSED, changes=step.changes)]
    return None


def correct(
    app: App, case: CaseFile, request: Request, step: PlanStep, word: LineWord | None, *, actor: str, now: datetime
) -> None:
    """
    Keep a person's word on the record of *step*, a line of the plan as shown; None takes it back.

    The letter is made anew from the plan that follows; what was shown before cannot be approved any more (P3).
    Raises: UsageError if the right does not know this choice, or there is nothing to take back.
    """
    if request.state != State.REVIEW:
        raise UsageError(f"{case.reference}/{request.right} is not in review; 'dsar recall' takes an approval back.")
    if word and word.choice not in _CHOICES.get(Right(request.right), frozenset()):
        raise UsageError(f"A line of {case.reference}/{request.right} cannot be changed like that.")
    if word and word.choice is LineChoice.HARMLESS and not traces.is_found(step):
        raise UsageError(said("Nothing in that line says that what stays could tell whose it was."))
    index = record_index(app, step)
    with app.store.transaction() as tx:
        known = tx.lines_of(request.id or 0).get(index)
        if word is None and known is None:
            raise UsageError("Nobody has changed this line.")
        if word is None and known is not None:
            tx.remove_line(known)
        elif word is not None:
            sealed = seal_line(app, case, index, word)
            tx.keep_line(
                PlanLine(request_id=request.id or 0, record_index=index, sealed_line=sealed, actor=actor, at=now)
            )
        reason = word.reason if word else "taken back"
        detail = seal_reason(app, case, "plan_corrected", reason, at=now) | {
            "system": step.system,
            "object": step.object,
            "choice": word.choice if word else "undo",
        }
        tx.record("plan_corrected", actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)
