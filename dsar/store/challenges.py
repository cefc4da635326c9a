"""Queries about one-time codes."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from dsar.store.base import Queries
from dsar.store.tables import CaseFile, Challenge


class ChallengeQueries(Queries):
    """One-time codes: counting a try and using a code up are compare-and-set, so that parallel answers count each."""

    def add_challenge(self, challenge: Challenge) -> Challenge:
        self.session.add(challenge)
        self.session.flush()
        return challenge

    def challenge(self, challenge_id: int) -> Challenge:
        return self.session.get_one(Challenge, challenge_id)

    def move_challenge(self, challenge: Challenge, *, to: str, expected: str) -> bool:
        """Compare-and-set of the state of an SMS; False if another process was first."""
        return self._set(challenge, col(Challenge.state) == expected, state=to)

    def take_fact_try(self, case: CaseFile, *, most: int) -> bool:
        """Count one comparison of facts; False if the case had *most* already."""
        result = self.session.execute(
            sa.update(CaseFile)
            .where(col(CaseFile.id) == case.id, col(CaseFile.fact_tries) < most)
            .values(fact_tries=col(CaseFile.fact_tries) + 1)
            .execution_options(synchronize_session=False)
        )
        self.session.refresh(case)
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]

    def challenges(self, case_id: int) -> Sequence[Challenge]:
        """All challenges of a case, oldest first."""
        return self.session.exec(
            select(Challenge).where(Challenge.case_id == case_id).order_by(col(Challenge.id))
        ).all()

    def challenges_since(self, contact_index: str, since: datetime) -> int:
        """How many codes were sent to this contact point after *since*, for whichever case."""
        query = select(sa.func.count()).where(
            col(Challenge.contact_index) == contact_index, col(Challenge.created_at) > since
        )
        return int(self.session.exec(query).one())

    def take_try(self, challenge: Challenge, *, most: int, now: datetime) -> bool:
        """Count one answer; False if the challenge is expired, used up, or had *most* answers already."""
        return self._set(
            challenge, col(Challenge.tries) < most, col(Challenge.expires_at) > now, tries=col(Challenge.tries) + 1
        )

    def use_up(self, challenge: Challenge, *, now: datetime) -> bool:
        """Take the challenge as answered; False if it was already."""
        return self._set(challenge, answered_at=now)

    def _set(self, challenge: Challenge, *still: sa.ColumnElement[bool], **values: object) -> bool:
        result = self.session.execute(
            sa.update(Challenge)
            .where(col(Challenge.id) == challenge.id, col(Challenge.answered_at).is_(None), *still)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        self.session.refresh(challenge)
        return bool(result.rowcount == 1)  # type: ignore[attr-defined]
