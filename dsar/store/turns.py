"""Queries about whose turn it is to call a connected system."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlmodel import col

from dsar.store import tables
from dsar.store.work import WorkQueries

#: A time so far ahead of the clock was written before the clock was set back, and says nothing any more.
_AHEAD_SECONDS: Final = 1.0


class Turn(NamedTuple):
    """A turn that was taken, or why not."""

    id: int | None  #: None: it was not.
    wait: float  #: Seconds after which one may be free by time alone; 0: when another call ends.


class TurnQueries(WorkQueries):
    """Calls that are counted together, whoever makes them; by the clock of the database."""

    def take_turn(self, system: str, holder: str, *, calls: int, seconds: float, at_once: int, lease: float) -> Turn:
        """
        Begin a call, if the system bears one more.

        Args: calls, seconds: so many begin within so long at most; at_once: so many are under way at most; lease:
        seconds after which the call of a process that died counts as ended.
        """
        self.hold(f"turns of {system}")
        now = self._clock()
        mine = col(tables.CallTurn.system) == system
        counted, under_way = col(tables.CallTurn.begun) > now - seconds, col(tables.CallTurn.until) > now
        ahead = col(tables.CallTurn.begun) > now + _AHEAD_SECONDS
        self.session.execute(sa.delete(tables.CallTurn).where(mine, sa.or_(ahead, ~sa.or_(counted, under_way))))
        fresh = col(tables.CallPause.begun) <= now + _AHEAD_SECONDS
        pause = sa.select(col(tables.CallPause.until)).where(col(tables.CallPause.system) == system, fresh)
        latest = sa.select(col(tables.CallTurn.begun)).where(mine).order_by(col(tables.CallTurn.begun).desc())
        full_since = latest.offset(calls - 1).limit(1)
        running = sa.select(sa.func.count()).select_from(tables.CallTurn).where(mine, under_way)
        query = sa.select(pause.scalar_subquery(), full_since.scalar_subquery(), running.scalar_subquery())
        paused_until, oldest, busy = self.session.execute(query).one()
        wait = max((paused_until or now) - now, (oldest + seconds if oldest is not None else now) - now)
        if wait > 0 or busy >= at_once:
            return Turn(None, max(wait, 0.0))
        row = tables.CallTurn(system=system, holder=holder, begun=now, until=now + lease)
        self.session.add(row)
        self.session.flush()
        return Turn(row.id, 0.0)

    def end_turn(self, id_: int) -> None:
        """The call has ended; it still counts until its time has passed."""
        self.session.execute(sa.update(tables.CallTurn).where(col(tables.CallTurn.id) == id_).values(until=0.0))

    def renew_turn(self, id_: int, *, lease: float) -> None:
        """The call lasts; without effect if it has been given up. Args: lease: seconds, as of `take_turn`."""
        mine = col(tables.CallTurn.id) == id_
        self.session.execute(sa.update(tables.CallTurn).where(mine).values(until=self._clock() + lease))

    def pause_turns(self, system: str, *, seconds: float) -> None:
        """Nobody begins a call for so long."""
        self.hold(f"turns of {system}")
        now = self._clock()
        row = self.session.get(tables.CallPause, system, populate_existing=True)
        if row is None or row.begun > now + _AHEAD_SECONDS:
            row = self.session.merge(tables.CallPause(system=system, begun=now, until=now))
        row.begun, row.until = now, max(row.until, now + seconds)
        self.session.flush()

    def _clock(self) -> float:
        """Seconds since 1970; the clocks of machines differ, that of the database is one."""
        seconds = sa.text(
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if self._is_sqlite()
            else "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
        )
        return float(self.session.execute(seconds).scalar_one())
