"""What staff see of the tasks of colleagues. Looking at what one asks, or holds, is recorded in the audit trail."""

from dataclasses import dataclass
from datetime import date, datetime

from dsar import deadlines
from dsar.casework import protecting
from dsar.casework.context import App, Question, answer_of, question_of, words_of
from dsar.casework.desks import ANSWERED, LATE, UNANSWERED
from dsar.casework.tasks import owner_name, signer_context
from dsar.errors import UsageError
from dsar.locale import said
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Task, TaskAnswer


def find_task(app: App, reference: str) -> tuple[Task, CaseFile]:
    """Raises: UsageError."""
    with app.store.transaction(read_only=True) as tx:
        task = tx.task_by_reference(reference.strip().upper())
        if task is None:
            raise UsageError(
                said("There is no task {reference!r}; 'dsar task list' shows the open ones.", reference=reference)
            )
        return task, tx.case_by_id(task.case_id)


@dataclass(frozen=True, kw_only=True)
class TaskLine:
    """One task as staff see it; the person concerned is not named."""

    reference: str
    case_reference: str
    system: str
    kind: str
    state: str
    why: str
    owner: str  #: Full name of who answers for it.
    opened_on: date
    asked_on: date | None
    reminders: int
    escalated_on: date | None
    answered: tuple[str, ...]  #: "nothing, Karin Holm, 2026-11-28 10:12", oldest first.


def lines(app: App, *, case: CaseFile | None = None, ended: bool = False, actor: str) -> list[TaskLine]:
    """
    Tasks, oldest first, of the cases that *actor* may open.

    Args: case: only of this one; ended: those that are answered, or that nobody needs any more, too.
    """
    with app.store.transaction(read_only=True) as tx:
        found = [*tx.tasks_in({*UNANSWERED, ANSWERED, LATE})] if ended else []
        found = found or [*tx.tasks_in(UNANSWERED, of_open_cases=True), *tx.tasks_in({LATE})]
        return [
            _line(app, tx, task, of)
            for task, of in found
            if (case is None or of.id == case.id) and protecting.may_open(app.settings, of, actor)
        ]


def _line(app: App, tx: Transaction, task: Task, case: CaseFile) -> TaskLine:
    on = deadlines.received_on
    return TaskLine(
        reference=task.reference,
        case_reference=case.reference,
        system=task.system,
        kind=task.kind,
        state=task.state,
        why=task.why,
        owner=owner_name(app, case, task),
        opened_on=on(task.opened_at),
        asked_on=on(task.asked_at) if task.asked_at else None,
        reminders=task.reminders,
        escalated_on=on(task.escalated_at) if task.escalated_at else None,
        answered=tuple(_signed(app, case, task, each) for each in tx.answers_of(task.id or 0)),
    )


def _signed(app: App, case: CaseFile, task: Task, given: TaskAnswer) -> str:
    signer = words_of(app, case, signer_context(task.reference), given.sealed_signer)
    return f"{given.word}, {signer}, {given.at.astimezone(deadlines.STOCKHOLM):%Y-%m-%d %H:%M}"


@dataclass(frozen=True, kw_only=True)
class TaskView:
    """One task with what it asks and what was said; personal data."""

    line: TaskLine
    question: Question
    said: tuple[str, ...]  #: In the colleagues' own words, oldest first; "" where nothing was said in words.
    mails: tuple[int, ...]  #: Numbers of their mails: `dsar show M-17`.


def view(app: App, task: Task, case: CaseFile, *, actor: str, now: datetime) -> TaskView:
    """Everything about one task; that it was looked at is recorded."""
    with app.store.transaction() as tx:
        tx.record("looked_at_task", actor=actor, at=now, case_id=case.id, detail={"task": task.reference})
        answers = tx.answers_of(task.id or 0)
        mails = [
            event.detail["message"]
            for event in tx.events(case.id or 0)
            if event.detail.get("task") == task.reference and "message" in event.detail
        ]
        return TaskView(
            line=_line(app, tx, task, case),
            question=question_of(app, case, task),
            said=tuple(answer_of(app, case, task, each).said for each in answers),
            mails=tuple(dict.fromkeys([*map(int, mails), *(each.message_id for each in answers if each.message_id)])),
        )
