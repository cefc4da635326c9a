"""Queries about tasks of colleagues."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.store import tables
from dsar.store.base import IS_OPEN, Queries
from dsar.store.tables import CaseFile, OutboxRow, Request, Task


class TaskQueries(Queries):
    """What colleagues were asked and what they answered."""

    def add_task(self, task: Task) -> Task:
        self.session.add(task)
        self.session.flush()
        return task

    def task(self, task_id: int) -> Task | None:
        """None if its case was purged."""
        return self.session.get(Task, task_id)

    def task_by_reference(self, reference: str) -> Task | None:
        return self.session.exec(select(Task).where(Task.reference == reference)).one_or_none()

    def task_of_step(self, step_index: str) -> Task | None:
        """The task by which a change was put before a colleague."""
        return self.session.exec(select(Task).where(Task.step_index == step_index)).one_or_none()

    def tasks_of(self, case_id: int) -> Sequence[Task]:
        """All tasks of a case, in the order they were opened."""
        return self.session.exec(select(Task).where(Task.case_id == case_id).order_by(col(Task.id))).all()

    def tasks_in(self, states: Collection[str], *, of_open_cases: bool = False) -> Sequence[tuple[Task, CaseFile]]:
        """Tasks in one of *states*, oldest first. Args: of_open_cases: only while anything of their case is open."""
        query = select(Task, CaseFile).join(CaseFile, col(CaseFile.id) == Task.case_id)
        if of_open_cases:
            unended = select(Request.case_id).where(IS_OPEN)
            query = query.where(col(Task.case_id).in_(unended))
        return self.session.exec(query.where(col(Task.state).in_(states)).order_by(col(Task.id))).all()

    def answers_of(self, task_id: int) -> Sequence[tables.TaskAnswer]:
        """Answers to a task, oldest first."""
        query = select(tables.TaskAnswer).where(tables.TaskAnswer.task_id == task_id)
        return self.session.exec(query.order_by(col(tables.TaskAnswer.id))).all()

    def add_answer(self, answer: tables.TaskAnswer) -> None:
        self.session.add(answer)
        self.session.flush()

    # --------------------------------------------------------------------------------------------- mails about them

    def add_task_mail(self, mail: tables.TaskMail) -> None:
        self.session.add(mail)
        self.session.flush()

    def tasks_of_mail(self, outbox_id: int) -> Sequence[Task]:
        """The tasks that a mail was about."""
        query = (
            select(Task)
            .join(tables.TaskMail, col(tables.TaskMail.task_id) == Task.id)
            .where(tables.TaskMail.outbox_id == outbox_id)
        )
        return self.session.exec(query.order_by(col(Task.id))).all()

    def was_asked(self, task_id: int, person_index: str) -> bool:
        """Whether a mail about the task went to this person."""
        query = select(tables.TaskMail).where(
            tables.TaskMail.task_id == task_id, tables.TaskMail.person_index == person_index
        )
        return self.session.exec(query).first() is not None

    def was_written_to(self, person_index: str, on: date, *, kind: str) -> bool:
        """Whether a mail of *kind* went to this person on that day."""
        query = (
            select(tables.TaskMail)
            .join(OutboxRow, col(OutboxRow.id) == tables.TaskMail.outbox_id)
            .where(tables.TaskMail.person_index == person_index, tables.TaskMail.sent_on == on, OutboxRow.kind == kind)
        )
        return self.session.exec(query).first() is not None

    # -------------------------------------------------------------------------------------------------- their end

    def empty_task_mails(self, case_id: int) -> list[str]:
        """
        Empty every mail that asked about this case; it has served. Mails about other cases, too, are among them.

        Returns: their Message-IDs, whose keys are no longer needed.
        """
        mails = (
            select(tables.TaskMail.outbox_id)
            .join(Task, col(Task.id) == tables.TaskMail.task_id)
            .where(Task.case_id == case_id)
        )
        rows = self.session.exec(select(OutboxRow).where(col(OutboxRow.id).in_(mails))).all()
        for row in rows:
            row.sealed_mime = row.sealed_recipient = b""
        self.session.flush()
        return [row.message_id for row in rows]

    def remove_tasks(self, case_id: int) -> None:
        """Remove all tasks of a case with what is tied to them."""
        tasks = select(Task.id).where(Task.case_id == case_id)
        for table in (tables.TaskAnswer, tables.TaskMail):
            self.session.execute(sa.delete(table).where(sa.column("task_id").in_(tasks)))
        self.session.execute(sa.delete(Task).where(col(Task.case_id) == case_id))
