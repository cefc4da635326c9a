"""
Queries about the audit trail (promise P8).

Events are written in the transaction of what they tell; one sealer chains them a moment later, so that two writers
never wait for each other. A changed, removed or inserted event breaks every seal after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import EventRow

_FIRST = "0" * 64

#: Events between two words about how far verifying is.
_TOLD_EVERY = 500

#: So many events may be chained while another transaction holds back an earlier one, which is then chained at once.
_LATE = 2000


@dataclass(frozen=True, kw_only=True)
class ChainReport:
    """What verifying the chain showed."""

    sealed: int  #: Number of sealed events.
    unsealed: int  #: Events of the last seconds, not chained yet.
    head: str  #: Digest of the last seal; keep it elsewhere to notice truncation.
    broken_at: int | None  #: Id of the first event that does not fit its seal.
    anchor_holds: bool | None = None  #: The chain still goes through the head that was kept elsewhere; None: none was.


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A head of the chain as it was once, kept where nobody who can change the database can change it."""

    sealed: int  #: Number of events that were sealed then.
    head: str


class AuditQueries(Queries):
    """The append-only trail and its chain."""

    def record(
        self,
        name: str,
        *,
        actor: str,
        at: datetime,
        case_id: int | None = None,
        request_id: int | None = None,
        detail: dict[str, str] | None = None,
    ) -> None:
        """Write an event that changes no state, e.g. that somebody looked at data."""
        self.session.add(
            EventRow(at=at, actor=actor, name=name, case_id=case_id, request_id=request_id, detail=detail or {})
        )
        self.session.flush()

    def record_each(self, name: str, details: Sequence[dict[str, str]], *, actor: str, at: datetime) -> None:
        """Write one event for each of *details*, about no case."""
        self._insert_all_new(
            EventRow, [{"at": at, "actor": actor, "name": name, "detail": detail} for detail in details]
        )

    def events(self, case_id: int) -> Sequence[EventRow]:
        """Timeline of a case, oldest first."""
        return self.session.exec(select(EventRow).where(EventRow.case_id == case_id).order_by(col(EventRow.id))).all()

    def events_of_message(self, name: str, message_id: int) -> Sequence[EventRow]:
        """Events called *name* that tell of one mail, oldest first."""
        told = col(EventRow.detail)["message"].as_string() == str(message_id)
        query = select(EventRow).where(EventRow.name == name, told).order_by(col(EventRow.id))
        return self.session.exec(query).all()

    def rights_over_the_trail(self) -> list[str]:
        """ "event: UPDATE" for each right to change what stands there that our own log-in has; SQLite knows none."""
        if self.session.get_bind().dialect.name != "postgresql":
            return []
        names = [str(table.__tablename__) for table in (EventRow, tables.Seal)]
        asked = [(name, right) for name in names for right in ("UPDATE", "DELETE", "TRUNCATE")]
        has = sa.func.has_table_privilege
        return [f"{name}: {right}" for name, right in asked if self.session.scalar(sa.select(has(name, right)))]

    def seal_events(self, *, most: int | None = None, whole: bool = False) -> int:
        """
        Chain the events not chained yet, in their order; how many. Only for the holder of the lease "sealer".

        Those are looked for at the end of the trail, however long it is: ids are given out in the order in which
        transactions write, but where several write at once one may end after events with later ids were chained.
        Args: most: so many at a time, so that a long tail keeps nobody from writing; None: all; whole: look through
        the whole trail, for what a transaction held back for so long that _LATE others were chained.
        """
        last = self.session.exec(select(tables.Seal).order_by(col(tables.Seal.position).desc()).limit(1)).first()
        position, digest = (last.position, last.digest) if last is not None else (0, _FIRST)
        before_late = select(tables.Seal.event_id).where(tables.Seal.position == position - _LATE)
        first = 0 if whole else self.session.exec(before_late).one_or_none() or 0
        pending = (
            select(EventRow)
            .outerjoin(tables.Seal, col(tables.Seal.event_id) == EventRow.id)
            .where(col(EventRow.id) > first, col(tables.Seal.event_id).is_(None))
            .order_by(col(EventRow.id))
            .limit(most)
        )
        count = 0
        for event in self.session.exec(pending).all():
            position, digest, count = position + 1, link(digest, event), count + 1
            self.session.add(tables.Seal(event_id=event.id or 0, position=position, digest=digest))
        self.session.flush()
        return count

    def verify_chain(
        self, anchor: Anchor | None = None, *, told: Callable[[int, int | None], None] = lambda _done, _total: None
    ) -> ChainReport:
        """
        Compute the whole chain anew and compare.

        Args: anchor: a head of earlier, which shows that the end was not cut off, nor all of it made anew; told: is
        told now and then how many events of how many are done.
        """
        total = self.session.exec(select(sa.func.count()).select_from(EventRow)).one()
        digest, sealed, broken_at = _FIRST, 0, None
        anchored = anchor is not None and anchor.sealed == 0 and anchor.head == _FIRST
        query = (
            select(tables.Seal, EventRow)
            .outerjoin(EventRow, col(EventRow.id) == tables.Seal.event_id)
            .order_by(col(tables.Seal.position))
        )
        for seal, event in self.session.exec(query):
            sealed += 1
            if sealed % _TOLD_EVERY == 0:
                told(sealed, total)
            digest = link(digest, event) if event is not None else ""
            if broken_at is None and (digest != seal.digest or seal.position != sealed):
                broken_at = seal.event_id
            digest = seal.digest
            anchored = anchored or (anchor is not None and (sealed, digest) == (anchor.sealed, anchor.head))
        return ChainReport(
            sealed=sealed,
            unsealed=total - sealed,
            head=digest,
            broken_at=broken_at,
            anchor_holds=anchored if anchor is not None else None,
        )


def link(previous: str, event: EventRow) -> str:
    """Digest that ties *event* to everything before it: SHA-256 over the previous digest and canonical JSON."""
    content = {
        "id": event.id,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "name": event.name,
        "case_id": event.case_id,
        "request_id": event.request_id,
        "from_state": event.from_state,
        "to_state": event.to_state,
        "detail": event.detail,
    }
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{canonical}".encode()).hexdigest()
