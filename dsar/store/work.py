"""Queries about due steps, leases and workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.lifecycle import State
from dsar.model import Right
from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import (
    CaseFile,
    Challenge,
    Message,
    OutboxRow,
    PassPhrase,
    RecipientNotice,
    Request,
    Row,
    Task,
    Work,
    Worker,
)

#: Step -> what its subject is a row of. Two steps about one case never run side by side, wherever they run; the
#: subjects of all other steps belong to no case.
SUBJECTS: Final[Mapping[str, type[Row]]] = {
    "identify": CaseFile,
    "challenge": CaseFile,
    "remind": CaseFile,
    "expire": CaseFile,
    "facts": CaseFile,
    "confirm_mandate": CaseFile,
    "tell_management": CaseFile,
    "search": CaseFile,
    "search_failed": CaseFile,
    "documents": CaseFile,
    "conclude": Request,
    "alarm": Request,
    "stop_marketing": Request,
    "apply": Request,
    "release_erasure": Request,
    "unwrap": Message,
    "send_sms": Challenge,
    "send_phrase": PassPhrase,
    "ask": Task,
    "notice": RecipientNotice,
    "dispatch": OutboxRow,
    "reconcile": OutboxRow,
    "file_copy": OutboxRow,
}

#: Steps that wait for their day; all others are made due for the very moment.
FOR_A_DAY: Final = frozenset({"alarm", "ask", "conclude", "duty", "expire", "notice", "remind"})

#: What was begun to be filed may still be on its way to the mail server, and would lie there twice.
_FILING: Final = "file_copy"
_ON_ITS_WAY: Final = timedelta(minutes=1)

#: No step and no lease is put off for longer, if the clock that said so was right.
_LONGEST_LEASE, _LONGEST_RETRY = timedelta(hours=1), timedelta(hours=25)

#: Lease of the one who sorts new mail: who sorts must see the cases that all earlier mails opened.
SORTING: Final = "sorting"

#: So many due steps are looked at until one is found whose case nobody works on; more only if those were none.
_LOOKED_AT = 8, 100

#: A mail that nobody has read may ask for a marketing stop.
_UNREAD: Final = "sort"

#: What a case of the same day, or of a mail just read, is not.
_OLDER = timedelta(days=1)

#: Which steps go before others that are due as long: those of marketing stops, then those of older matters.
_HEAD_STARTS: Final = (
    ((col(Work.urgent),), timedelta(days=1)),
    ((~col(Work.urgent), col(Work.older)), timedelta(hours=6)),
    ((~col(Work.urgent), ~col(Work.older)), timedelta()),
)

#: Those whose beats are missed when they die: what they hold does not run out, for the clock may be put forward.
_BEATING: Final = sa.select(col(Worker.name))

#: What a step begins with that became due again while it was under way.
_AFRESH: Final = {
    "due_at": col(Work.rerun_at),
    "rerun_at": None,
    "lease_until": None,
    "worker": "",
    "lock": "",
    "attempts": 0,
    "last_error": "",
}


class WorkQueries(Queries):
    """Due steps: each is leased to one worker at a time, until its beats end; a lease of who does not beat runs out."""

    def enqueue(self, step: str, subject_id: int, *, due_at: datetime) -> None:
        """
        Make a step due; if it is due already, the earlier time counts.

        One under way may have looked before the new thing came: it runs once more afterwards, not beside itself.
        """
        new = Work(
            step=step,
            subject_id=subject_id,
            due_at=due_at,
            urgent=self._is_urgent(step, subject_id),
            older=self._is_older(step, subject_id, due_at),
        )
        if self._insert_new(new):
            return
        query = select(Work).where(Work.step == step, Work.subject_id == subject_id)
        row = self.session.exec(query.with_for_update(), execution_options={"populate_existing": True}).one_or_none()
        if row is None:  # the worker has just finished it
            self._insert_new(new)
            return
        row.urgent |= new.urgent
        row.older |= new.older
        if row.lease_until is not None:
            row.rerun_at = min(row.rerun_at or due_at, due_at)
        else:
            row.due_at = min(row.due_at, due_at)
        self.session.flush()

    def _is_urgent(self, step: str, subject_id: int) -> bool:
        """Whether a step serves a marketing stop, which is to be obeyed at once (Art. 21(3) GDPR), or may do so."""
        if step == _UNREAD:
            return True
        kind = SUBJECTS.get(step)
        if kind is CaseFile:
            of: sa.ColumnElement[bool] = col(Request.case_id) == subject_id
        elif kind is Request:
            of = col(Request.id) == subject_id
        elif step == "dispatch":  # its letter tells that it has been obeyed
            letter = sa.select(col(OutboxRow.case_id)).where(col(OutboxRow.id) == subject_id)
            of = col(Request.case_id) == letter.scalar_subquery()
        else:
            return False
        stops = col(Request.right) == Right.OBJECT, col(Request.state) != State.CLOSED
        return self.session.exec(select(Request.id).where(of, *stops).limit(1)).first() is not None

    def _is_older(self, step: str, subject_id: int, due_at: datetime) -> bool:
        """Whether a step keeps a day that was set before, or its case came before today: a flood must not delay it."""
        if step in FOR_A_DAY:
            return True
        case_id = self._case_of(step, subject_id)
        case = self.session.get(CaseFile, case_id) if case_id else None
        return case is not None and case.opened_at < due_at - _OLDER

    def enqueue_new(self, step: str, subject_ids: Sequence[int], *, due_at: datetime) -> None:
        """Make a step due for many subjects of which it was never due before."""
        self._insert_all_new(
            Work,
            [
                {
                    "step": step,
                    "subject_id": subject_id,
                    "due_at": due_at,
                    "worker": "",
                    "lock": "",
                    "attempts": 0,
                    "last_error": "",
                    "urgent": step == _UNREAD,
                    "older": False,
                }
                for subject_id in subject_ids
            ],
        )

    def claim(
        self, worker: str, *, now: datetime, lease: timedelta, steps: Collection[str] | None = None
    ) -> Work | None:
        """
        The most overdue step that nobody holds and whose case nobody works on, leased to *worker*; None if none is due.

        What serves a marketing stop counts as if it were due since a day more, what serves a matter of days before
        since some hours: it goes before thousands that came together, and thousands of its kind do not keep others
        waiting for longer.
        Args: steps: names of those that the worker knows, so that an older program leaves alone what a newer one made
        due; None: all.
        """
        run_out = col(Work.lease_until) < now, col(Work.worker).not_in(_BEATING)
        is_free = Work.due_at <= now, sa.or_(col(Work.lease_until).is_(None), sa.and_(*run_out))
        which = is_free if steps is None else (*is_free, col(Work.step).in_(steps))
        if not self._may_take(SORTING, worker, now=now):  # thousands may be due, and would hide all that is not
            which = *which, col(Work.step) != "sort"
        for most in _LOOKED_AT:
            due = self._most_overdue(which, most=most)
            for id_ in due:
                one = select(Work).where(Work.id == id_, *is_free).with_for_update(skip_locked=True)  # SQLite: all are
                row = self.session.exec(one, execution_options={"populate_existing": True}).one_or_none()
                if row is None or self._is_on_its_way(row, now=now):
                    continue
                if self._lease(row, worker, now=now, lease=lease):
                    return row  # else another worker was faster, or works on its case
            if len(due) < most:
                return None
        return None

    def _most_overdue(self, which: tuple[sa.ColumnElement[bool] | bool, ...], *, most: int) -> list[int]:
        """Ids of due steps, those first that go first, at least *most* if there are so many."""
        parts = [
            select(col(Work.due_at), col(Work.id), sa.literal(number).label("start"))
            .where(*which, *of)
            .order_by(col(Work.due_at), col(Work.id))
            .limit(most)
            .subquery()
            for number, (of, _) in enumerate(_HEAD_STARTS)
        ]
        rows = self.session.execute(sa.union_all(*(sa.select(part) for part in parts))).all()
        return [id_ for _, id_ in sorted((at - _HEAD_STARTS[start][1], id_) for at, id_, start in rows)]

    def _is_on_its_way(self, row: Work, *, now: datetime) -> bool:
        """
        Whether what a step was to file may be under way; it is put off then.

        Whoever held it may live: where the clock is put forward, or a machine slept, a lease runs out under its holder.
        """
        if row.step != _FILING or row.lease_until is None:
            return False
        row.due_at, row.lease_until, row.worker, row.lock = now + _ON_ITS_WAY, None, "", ""
        self.session.flush()
        return True

    def _lease(self, row: Work, worker: str, *, now: datetime, lease: timedelta) -> bool:
        """Have *worker* hold a step, and the case that it is about; False if another one holds that."""
        lock = self._lock_of(row)
        if lock and not self.take_lease(lock, worker, now=now, seconds=lease.total_seconds()):
            return False
        row.worker, row.lock = worker, lock
        row.lease_until = now + lease
        row.rerun_at = None
        row.attempts += 1
        self.session.flush()
        return True

    def _lock_of(self, work: Work) -> str:
        """Name of the lease that a step needs; empty: none."""
        if work.step == "sort":
            return SORTING
        case_id = self._case_of(work.step, work.subject_id)
        return f"case:{case_id}" if case_id else ""

    def _case_of(self, step: str, subject_id: int) -> int | None:
        """The case that a step is about."""
        kind = SUBJECTS.get(step)
        if kind is None:
            return None
        if kind is CaseFile:
            return subject_id
        table: sa.Table = kind.__table__  # type: ignore[attr-defined]
        if "case_id" in table.c:
            query = sa.select(table.c.case_id).where(table.c.id == subject_id)
        else:
            request = col(Request.id) == table.c.request_id
            query = sa.select(col(Request.case_id)).join(table, request).where(table.c.id == subject_id)
        return self.session.execute(query).scalar()

    def claim_sorting(
        self, worker: str, *, now: datetime, lease: timedelta, most: int, most_bytes: int
    ) -> Sequence[Work]:
        """
        Mails to sort that nobody has tried yet, the most overdue first, leased to *worker*.

        What was tried before is left to `claim`, one at a time: it may be what ended the program. None while another
        worker sorts; who is given some gives SORTING back at the end.
        Args: most_bytes: of mails at one time; one is given out however big it is.
        """
        if not self.take_lease(SORTING, worker, now=now, seconds=lease.total_seconds()):
            return ()
        query = (
            select(Work.id, tables.RawContent.size)
            .join(Message, col(Message.id) == Work.subject_id)
            .join(tables.RawContent, col(tables.RawContent.sha256) == Message.sha256)
            .where(Work.step == "sort", Work.attempts == 0, Work.due_at <= now, col(Work.lease_until).is_(None))
            .order_by(col(Work.due_at), col(Work.id))
            .limit(most)
        )
        if not self._is_sqlite():
            query = query.with_for_update(of=Work, skip_locked=True)
        rows = self.session.exec(query).all()
        sizes = accumulate(size for _, size in rows)
        chosen = [id_ for (id_, size), total in zip(rows, sizes, strict=True) if total - size < most_bytes]
        self.session.execute(
            sa.update(Work)
            .where(col(Work.id).in_(chosen))
            .values(worker=worker, lock=SORTING, lease_until=now + lease, attempts=1)
        )
        return self.session.exec(
            select(Work).where(col(Work.id).in_(chosen)).order_by(col(Work.due_at), col(Work.id))
        ).all()

    def finish_each(self, works: Sequence[Work]) -> None:
        """Remove steps that are done, all claimed by one worker at once; as `finish`."""
        for mine in (works[start : start + 500] for start in range(0, len(works), 500)):
            held = (
                col(Work.id).in_([work.id for work in mine]),
                col(Work.worker) == mine[0].worker,
                col(Work.attempts) == mine[0].attempts,
            )
            self.session.execute(sa.delete(Work).where(*held, col(Work.rerun_at).is_(None)))
            self.session.execute(sa.update(Work).where(*held).values(_AFRESH))

    def renew(self, work: Work, *, until: datetime) -> None:
        """Keep a step that takes long, and its lock; without effect if it was taken over."""
        self.session.execute(sa.update(Work).where(*_held(work)).values(lease_until=until))
        mine = col(tables.Lease.name) == work.lock, col(tables.Lease.holder) == work.worker
        self.session.execute(sa.update(tables.Lease).where(*mine).values(until=until))

    def finish(self, work: Work) -> None:
        """Remove a step that is done, unless it was taken over; what became due again meanwhile begins afresh."""
        removed = self.session.execute(sa.delete(Work).where(*_held(work), col(Work.rerun_at).is_(None)))
        if not removed.rowcount:  # type: ignore[attr-defined]
            self.session.execute(sa.update(Work).where(*_held(work)).values(_AFRESH))

    def postpone(self, work: Work, *, due_at: datetime, error: str, counted: bool = True) -> None:
        """Give a failed step back, to be tried again at *due_at*. Args: counted: as an attempt."""
        self.session.execute(
            sa.update(Work)
            .where(*_held(work))
            .values(
                due_at=due_at,
                rerun_at=None,
                lease_until=None,
                worker="",
                lock="",
                last_error=error,
                attempts=col(Work.attempts) - int(not counted),
            )
        )

    def free_leases(self, workers: Sequence[str], *, now: datetime) -> int:
        """Make the steps of dead workers due at once, a copy soon, and end what else they held; how many steps."""
        self.session.execute(sa.delete(tables.Lease).where(col(tables.Lease.holder).in_(workers)))
        self.session.execute(sa.delete(tables.CallTurn).where(col(tables.CallTurn.holder).in_(workers)))
        free = {"due_at": _unless_on_its_way(now, col(Work.due_at)), "lease_until": None, "worker": "", "lock": ""}
        result = self.session.execute(sa.update(Work).where(col(Work.worker).in_(workers)).values(free))
        return int(result.rowcount)  # type: ignore[attr-defined]

    def take_up_again(self, *, now: datetime) -> None:
        """
        Make due and free what was put off or leased by a clock that was far ahead of *now*.

        What workers hold that beat is left: they renew it, and if they die they are missed by their beats.
        """
        new = col(Work.attempts) == 0, col(Work.step).not_in(FOR_A_DAY), col(Work.due_at) > now + timedelta(minutes=5)
        tried = col(Work.attempts) > 0, col(Work.due_at) > now + _LONGEST_RETRY
        due_at = _unless_on_its_way(now, sa.literal(now))
        self.session.execute(sa.update(Work).where(sa.or_(sa.and_(*new), sa.and_(*tried))).values(due_at=due_at))
        held = col(Work.lease_until) > now + _LONGEST_LEASE, col(Work.worker).not_in(_BEATING)
        free = {"due_at": _unless_on_its_way(now, col(Work.due_at)), "lease_until": None, "worker": "", "lock": ""}
        self.session.execute(sa.update(Work).where(*held).values(free))
        kept = col(tables.Lease.until) > now + _LONGEST_LEASE, col(tables.Lease.holder).not_in(_BEATING)
        self.session.execute(sa.delete(tables.Lease).where(*kept))

    def is_held_beyond(self, until: datetime) -> bool:
        """Whether a step that waits for no day, or a lease, lies later than *until*: a clock far ahead put it there."""
        no_day = sa.or_(col(Work.step).not_in(FOR_A_DAY), col(Work.attempts) > 0)
        late = sa.or_(sa.and_(no_day, col(Work.due_at) > until), col(Work.lease_until) > until)
        work, leases = sa.exists().where(late), sa.exists().where(col(tables.Lease.until) > until)
        return bool(self.session.scalar(sa.select(sa.or_(work, leases))))

    def work(self) -> Sequence[Work]:
        """All steps, the most overdue first."""
        return self.session.exec(select(Work).order_by(col(Work.due_at), col(Work.id))).all()

    def hold(self, name: str) -> None:
        """Wait until no other transaction holds *name*; it is let go when this one ends."""
        if not self._is_sqlite():  # there one transaction writes at a time
            self.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(name, 0))))

    def take_lease(self, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
        """Become the one process that may do *name*; also renews a lease already held."""
        until = now + timedelta(seconds=seconds)
        if self._insert_new(tables.Lease(name=name, holder=holder, until=until)):
            return True
        row = self.session.get(tables.Lease, name, with_for_update=True, populate_existing=True)
        if row is None or not self._is_free(row, holder, now=now):
            return False
        row.holder, row.until = holder, until
        self.session.flush()
        return True

    def _may_take(self, name: str, holder: str, *, now: datetime) -> bool:
        row = self.session.get(tables.Lease, name, populate_existing=True)
        return row is None or self._is_free(row, holder, now=now)

    def _is_free(self, row: tables.Lease, holder: str, *, now: datetime) -> bool:
        return row.holder == holder or (row.until <= now and self.session.get(Worker, row.holder) is None)

    def overdue_holders(self, *, now: datetime) -> set[str]:
        """Workers whose beats are counted, and something of whom should have run out by this clock."""
        steps = select(Work.worker).where(col(Work.lease_until) < now, col(Work.worker).in_(_BEATING))
        leases = select(tables.Lease.holder).where(
            col(tables.Lease.until) < now, col(tables.Lease.holder).in_(_BEATING)
        )
        return {*self.session.exec(steps), *self.session.exec(leases)}

    def lease_holders(self) -> set[str]:
        """Every worker that holds a step or a lease."""
        workers = self.session.exec(select(Work.worker).where(Work.worker != "")).all()
        return {*workers, *self.session.exec(select(tables.Lease.holder))}

    def give_lease(self, name: str, holder: str) -> None:
        """Stop holding a lease."""
        self.session.execute(
            sa.delete(tables.Lease).where(col(tables.Lease.name) == name, col(tables.Lease.holder) == holder)
        )

    # ---------------------------------------------------------------------------------------------------- workers

    def beat(self, worker: str, *, version: str, now: datetime) -> None:
        """Tell the others that *worker* lives."""
        if not self._insert_new(Worker(name=worker, version=version, began_at=now, seen_at=now, beats=1)):
            mine = col(Worker.name) == worker
            self.session.execute(sa.update(Worker).where(mine).values(seen_at=now, beats=col(Worker.beats) + 1))

    def workers(self) -> Sequence[Worker]:
        """Every worker that beats, or died without a word and has not been missed yet."""
        return self.session.exec(select(Worker).order_by(col(Worker.name))).all()

    def bury(self, worker: str, *, now: datetime) -> int:
        """Forget a worker that ended or died; what it held is due, see `free_leases`; how many steps."""
        self.session.execute(sa.delete(Worker).where(col(Worker.name) == worker))
        return self.free_leases([worker], now=now)


def _unless_on_its_way(now: datetime, due_at: sa.SQLColumnExpression[datetime]) -> sa.ColumnElement[datetime]:
    """When a step is due that somebody had begun: at *due_at*, but a copy only when it lies there if it was filed."""
    return sa.case((col(Work.step) == _FILING, now + _ON_ITS_WAY), else_=due_at)


def _held(work: Work) -> tuple[sa.ColumnElement[bool], ...]:
    """The row as it was claimed; whoever took it over since has counted another attempt."""
    return col(Work.id) == work.id, col(Work.worker) == work.worker, col(Work.attempts) == work.attempts
