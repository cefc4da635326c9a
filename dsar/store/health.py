"""Queries about what shows that mail flows, and about how mailboxes compare with what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.store import tables
from dsar.store.base import Queries
from dsar.store.tables import Sighting


class HealthQueries(Queries):
    """Marks of when something last happened; sightings as a reconciliation sees them."""

    def set_mark(self, name: str, *, at: datetime, detail: str = "") -> None:
        """Note that *name* happened, in place of the time before."""
        self._write(tables.HealthMark(name=name, at=at, detail=detail))

    def set_mark_once(self, name: str, *, at: datetime) -> None:
        """Note that *name* began, unless that is noted already."""
        self._insert_new(tables.HealthMark(name=name, at=at))

    def mark(self, name: str) -> tables.HealthMark | None:
        return self.session.get(tables.HealthMark, name)

    def marks(self, prefix: str) -> Sequence[tables.HealthMark]:
        """All marks whose names begin so."""
        query = select(tables.HealthMark).where(col(tables.HealthMark.name).startswith(prefix, autoescape=True))
        return self.session.exec(query.order_by(tables.HealthMark.name)).all()

    def remove_mark(self, name: str) -> None:
        """Forget a mark; one that is not there is no error."""
        self.session.execute(sa.delete(tables.HealthMark).where(col(tables.HealthMark.name) == name))

    def sightings(self, mailbox: str, folder: str, uid_validity: int) -> dict[int, Sighting]:
        """{UID: sighting} of one folder in one epoch."""
        query = select(Sighting).where(
            Sighting.mailbox == mailbox, Sighting.folder == folder, Sighting.uid_validity == uid_validity
        )
        return {row.uid: row for row in self.session.exec(query)}

    def handled(self, mailbox: str) -> Sequence[Sighting]:
        """What should lie in the done folder: moved there and not missed yet."""
        query = select(Sighting).where(
            Sighting.mailbox == mailbox, col(Sighting.moved_at).is_not(None), col(Sighting.gone_at).is_(None)
        )
        return self.session.exec(query.order_by(col(Sighting.moved_at), col(Sighting.uid))).all()

    def change_sightings(self, rows: Sequence[Sighting]) -> None:
        """Write back sightings that were read in an earlier transaction."""
        for row in rows:
            self.session.merge(row)
