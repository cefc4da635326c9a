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
    #: {request of the step: id of the job that it began in the system}, until the step has ended.
    sealed_jobs: bytes | None = Field(default=None, sa_type=sa.LargeBinary)


class PlanLine(Row, table=True):
    """What a member of staff decided about one record in the plans of a request, instead of the program."""

    __tablename__ = "plan_line"
    request_id: int = Field(primary_key=True, foreign_key="request.id")
    record_index: str = Field(primary_key=True, max_length=64)  #: Blind index of system, object and key.
    sealed_line: bytes = Field(sa_type=sa.LargeBinary)
    actor: str
    at: datetime


class Suppression(Row, table=True):
    """A contact point that gets no marketing (Art. 21(3)); a keyed digest, no name, no reason."""

    digest: str = Field(primary_key=True, max_length=64)
    channel: str  #: email, phone, address
    since: datetime
    case_reference: str


class Duty(Row, table=True):
    """Something owed to a person later; it has keys of its own and survives the purge of the case (promise P7)."""

    id: int | None = Field(default=None, primary_key=True)
    #: erase_later, verify_again, do_not_restore (the program); by_hand, restriction, notice (a person)
    kind: str
    system: str
    object: str
    sealed_key: bytes = Field(sa_type=sa.LargeBinary)  #: Key of the record in the system, under the key "duties".
    law: str  #: Law and section that keeps it until then.
    due_on: date = Field(index=True)  #: First day on which it may be done.
    case_reference: str
    done_at: datetime | None = None
    right: str = ""  #: model.Right of the request that it comes from.
    approved_by: str = ""  #: Member of staff whose approval of the plan covers it.
    #: Keyed digests of what told the record's person: a key that another record has been given since is known by them.
    marks: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    problem: str = ""  #: Why it is due and not done, without personal data; a person looks.
    sealed_jobs: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: As LedgerEntry.sealed_jobs.


class RecipientNotice(Row, table=True):
    """One recipient who is told of a change (Art. 19), from the proposal to their answer."""

    __tablename__ = "recipient_notice"
    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="request.id")
    recipient: str  #: Name in a declaration or the register, or as staff gave it.
    address: str  #: Where it goes; "": nobody has said.
    #: prepared, approved, sent, answered, confirmed, bounced, silent, left_out
    state: str = Field(default="prepared", index=True)
    why: str = ""  #: Why it is left out, e.g. impossible or disproportionate.
    reminders: int = 0
    approved_by: str = ""
    prepared_at: datetime
    sent_at: datetime | None = None  #: When it was last sent.
    ended_at: datetime | None = None
    __table_args__ = (sa.UniqueConstraint("request_id", "recipient"),)
