"""What outlives the answer to a case: duties, and recipients who are told of a change."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


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
