"""Change plans as they are carried out, and the duties that outlive their case."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class ChangePlan(Row, table=True):
    """What will be done in the systems for one request; approved together with the letter that tells it."""

    __tablename__ = "change_plan"
    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="request.id", index=True)
    letter_id: int = Field(foreign_key="letter.id", unique=True)  #: The letter that tells its expected outcome.
    sha256: str = Field(max_length=64)  #: Keyed digest of approval.sha256_of_plan.
    sealed_steps: bytes = Field(sa_type=sa.LargeBinary)
    sealed_outcomes: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: As read back; None: not applied.


class LedgerEntry(Row, table=True):
    """One step of a plan, written before and after it is done, so that a killed worker's steps are known."""

    __tablename__ = "ledger"
    plan_id: int = Field(primary_key=True, foreign_key="change_plan.id")
    position: int = Field(primary_key=True)
    state: str  #: started, done, failed
    started_at: datetime
    ended_at: datetime | None = None
    detail: str = ""  #: Why it failed, without personal data.


class Suppression(Row, table=True):
    """A contact point that gets no marketing (Art. 21(3)); a keyed digest, no name, no reason."""

    digest: str = Field(primary_key=True, max_length=64)
    channel: str  #: email, phone, address
    since: datetime
    case_reference: str


class Duty(Row, table=True):
    """Something owed to a person later; it has keys of its own and survives the purge of the case (promise P7)."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str  #: erase_later, by_hand, restriction, notice
    system: str
    object: str
    sealed_key: bytes = Field(sa_type=sa.LargeBinary)  #: Key of the record in the system, under the key "duties".
    law: str  #: Law and section that keeps it until then.
    due_on: date = Field(index=True)  #: First day on which it may be done.
    case_reference: str
    done_at: datetime | None = None
