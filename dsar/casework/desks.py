"""
The tasks of a case -> what its colleagues hold and have done, as a connected system that can be searched and changed.

A place that people answer for is a system like the others; only its desk, where questions, answers and orders of one
case lie, is kept here.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsar.casework.context import (
    PROGRAM,
    AnswerContent,
    App,
    Question,
    answer_of,
    question_of,
    seal_question,
    seal_words,
    words_of,
)
from dsar.casework.protecting import PROTECTED
from dsar.connector import Asks, Holding, Searches, Word
from dsar.errors import SystemContractError
from dsar.model import Identifier, IdentifierType, PlanStep, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Task

#: Kind of a task that asks what is held; the others are named as the action of their step.
SEARCH = "search"

#: What a colleague said: nothing is held; this is held; it is done; it cannot be done.
NOTHING, HELD, DONE, CANNOT = "nothing", "held", "done", "cannot"

#: States of a task: it waits for the colleague; for a person here; it is answered; it was answered after the letter.
OPEN, PERSON, ANSWERED, LATE = "open", "person", "answered", "late"

#: States in which nothing is known yet.
UNANSWERED = frozenset({OPEN, PERSON})

#: No I, L, O, U, 0 or 1, which are read one for another.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 10

#: A reference as people copy it.
REFERENCE = re.compile(rf"(?<![\w-])TASK-([{_ALPHABET}]{{{_REFERENCE_LENGTH}}})(?![\w-])", re.IGNORECASE)

_GONE = frozenset({StepAction.ERASE, StepAction.ANONYMISE})


@dataclass(frozen=True, kw_only=True)
class _Known:
    """One task of a case, opened."""

    task: Task
    question: Question
    answers: tuple[tuple[int, str, AnswerContent], ...]  #: (number, word, content), oldest first


class CaseDesk:
    """The questions and orders of one case at one place, as they are when it is made."""

    def __init__(
        self, app: App, case: CaseFile, system: str, known: Sequence[_Known], *, unasked: str, now: datetime | None
    ) -> None:
        """
        Args: unasked: what is waited for although nobody was asked yet, "" if nobody needs to be; now: when an order is
        put, None where none is.
        """
        self._app, self._case, self._system, self._now = app, case, system, now
        self._searches = [each for each in known if each.task.kind == SEARCH]
        self._orders = [each for each in known if each.task.kind != SEARCH]
        self._unasked = unasked

    @property
    def asked_for(self) -> Sequence[Identifier]:
        found: dict[Identifier, None] = {}
        for each in self._searches:
            found |= dict.fromkeys(each.question.identifiers)
            if each.question.name:
                found[Identifier(type=IdentifierType.NAME, value=each.question.name)] = None
        return tuple(found)

    @property
    def waiting_for(self) -> str:
        if not self._searches:
            return self._unasked
        left = [each.task.reference for each in self._searches if each.task.state in UNANSWERED]
        return f"{', '.join(left)} not answered" if left else ""

    @property
    def holdings(self) -> Mapping[str, Holding]:
        held = {
            f"{each.task.reference}:{number}:{at}": holding
            for each in self._searches
            for number, _, content in each.answers
            for at, holding in enumerate(content.holdings, 1)
        }
        for each in self._orders:
            step = each.question.step
            if step is not None and step.key in held and _word(each) is Word.DONE:
                held = _changed(held, step)
        return held

    def order(self, step: PlanStep) -> None:
        """Raises: SystemContractError if nobody has said to hold this record."""
        source = next((each.task for each in self._searches if step.key.startswith(f"{each.task.reference}:")), None)
        if source is None or self._now is None:
            raise SystemContractError(self._system, "nobody has said to hold this record")
        app, case = self._app, self._case
        question = Question(name=self._searches[0].question.name, identifiers=(), step=step)
        with app.store.transaction() as tx:
            index = app.vault.index("task_step", f"{case.reference}\0{_place(step)}")
            if tx.task_of_step(index) is None:
                owner = words_of(app, case, owner_context(source.reference), source.sealed_owner)
                open_task(app, tx, case, self._system, step.action, owner, question, step_index=index, now=self._now)

    def word(self, step: PlanStep) -> Word | None:
        place = _place(step)
        told = [_word(each) for each in self._orders if each.question.step and _place(each.question.step) == place]
        return told[-1] if told else None


def _word(order: _Known) -> Word:
    """What was said last about a change; "nothing is here" says that it is gone."""
    if not order.answers:
        return Word.ASKED
    said = order.answers[-1][1]
    gone = said == NOTHING and order.question.step is not None and order.question.step.action in _GONE
    return Word.DONE if said == DONE or gone else Word.CANNOT


def _place(step: PlanStep) -> str:
    """The record and what becomes of it; its words may differ."""
    changes = [(each.path, each.before, each.after) for each in step.changes]
    return json.dumps([step.object, step.key, step.action, changes])


def _changed(held: Mapping[str, Holding], step: PlanStep) -> dict[str, Holding]:
    """What is held once *step* is done."""
    if step.action is StepAction.ERASE:
        return {key: each for key, each in held.items() if key != step.key}
    values = dict(held[step.key].values) | {each.path: each.after or "" for each in step.changes}
    kept = tuple((column, text) for column, text in values.items() if text)
    return {**held, step.key: replace(held[step.key], values=kept)}


def references_in(text: str) -> tuple[str, ...]:
    """References of tasks in *text*, whether or not there are such, in order, each once."""
    return tuple(dict.fromkeys(found[0].upper() for found in REFERENCE.finditer(text)))


# ----------------------------------------------------------------------------------------------- systems of a case


def systems_of(app: App, tx: Transaction, case: CaseFile, *, now: datetime | None = None) -> dict[str, Searches]:
    """
    {name: system}, those that people answer for as the people of this case know them.

    Args: now: of orders that are put before them; where none is, it is not needed.
    """
    return {
        name: system.at(_desk(app, tx, case, name, system, now)) if isinstance(system, Asks) else system
        for name, system in app.systems.items()
    }


def system_of(app: App, case: CaseFile, name: str, *, now: datetime | None = None) -> Searches:
    """One system as of systems_of, outside a transaction."""
    if not isinstance(app.systems[name], Asks):
        return app.systems[name]
    with app.store.transaction(read_only=True) as tx:
        return systems_of(app, tx, case, now=now)[name]


def _desk(app: App, tx: Transaction, case: CaseFile, name: str, system: Asks, now: datetime | None) -> CaseDesk:
    known = [
        _Known(
            task=task,
            question=question_of(app, case, task),
            answers=tuple(
                (each.id or 0, each.word, answer_of(app, case, task, each)) for each in tx.answers_of(task.id or 0)
            ),
        )
        for task in tx.tasks_of(case.id or 0)
        if task.system == name
    ]
    needed = not system.individuals and needs_asking(app, tx, case, name)
    return CaseDesk(app, case, name, known, unasked="nobody has been asked yet" if needed else "", now=now)


def needs_asking(app: App, tx: Transaction, case: CaseFile, system: str) -> bool:
    """Whether anything of the case is about what *system* holds; a marketing stop only where it serves marketing."""
    return any(is_about(app, Right(request.right), system) for request in tx.requests(case.id or 0))


def unasked(app: App, tx: Transaction, case: CaseFile) -> frozenset[str]:
    """Systems of individuals of whom nobody was asked: no answer may say that they were searched."""
    asked = {task.system for task in tx.tasks_of(case.id or 0)}
    return frozenset(
        name
        for name, system in app.systems.items()
        if isinstance(system, Asks) and system.individuals and name not in asked
    )


def is_missing(task: Task) -> bool:
    """Whether it is not known yet what this colleague holds."""
    return task.kind == SEARCH and task.state in UNANSWERED


def is_about(app: App, right: Right, system: str) -> bool:
    """Whether *right* must wait for what the people of *system* say."""
    if right is not Right.OBJECT:
        return True
    served = {activity for each in app.declarations[system].objects for activity in each.activities}
    return any(app.register[activity].marketing for activity in served)


# -------------------------------------------------------------------------------------------------------- new tasks


def owner_context(reference: str) -> str:
    """Where the address of who answers for a task is kept."""
    return f"task.owner:{reference}"


def open_task(
    app: App,
    tx: Transaction,
    case: CaseFile,
    system: str,
    kind: str,
    owner: str,
    question: Question,
    *,
    step_index: str | None = None,
    now: datetime,
) -> Task:
    """
    Put a question, or a change, before a colleague; the mail about it is due at once.

    Args: owner: address. About a person with protected identity no mail goes out: a member of staff asks, and says
    what was answered.
    """
    reference = "TASK-" + "".join(secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))
    protected = PROTECTED in case.flags
    task = tx.add_task(
        Task(
            reference=reference,
            case_id=case.id or 0,
            system=system,
            kind=kind,
            state=PERSON if protected else OPEN,
            why=PROTECTED if protected else "",
            owner_index=person_index(app, owner),
            sealed_owner=seal_words(app, case, owner_context(reference), owner),
            sealed_question=seal_question(app, case, reference, question),
            step_index=step_index,
            opened_at=now,
        )
    )
    tx.record("task_opened", actor=PROGRAM, at=now, case_id=case.id, detail={"task": reference, "kind": kind})
    if not protected:
        tx.enqueue("ask", task.id or 0, due_at=now)
    return task


def person_index(app: App, address: str) -> str:
    """Blind index of a colleague."""
    return app.vault.index("colleague", address)
