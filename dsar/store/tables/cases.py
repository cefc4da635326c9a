"""Cases, their requests and what proves who asks."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class CaseFile(Row, table=True):
    """One data subject's matter."""

    __tablename__ = "case_file"
    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)  #: D-2026-00042
    opened_at: datetime
    language: str
    requester: str  #: model.Requester
    flags: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    handler: str | None = Field(default=None, index=True)  #: Name of the member of staff in settings.
    sealed_subject: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: JSON: name, identifiers, contact, ...
    identity_level: str = "L0"
    identity_method: str = "none"
    identity_reason: str = ""
    identified_at: datetime | None = None
    mandate: str = ""  #: What shows that the sender may write for the person; "": nothing yet, or they are the person.
    channel: str = ""  #: mail or post, as staff chose; "": by mail, or by post to protected identities.
    answer_to: str = "person"  #: person, or agent: where the mandate covers receipt.
    fact_tries: int = 0  #: How often facts were compared with what the systems hold.
    search_run: int = 0  #: Number of the latest search; older results no longer count.
    search_proven: bool = False  #: The latest search began from what is proven; else it serves a marketing stop only.
    searched_at: datetime | None = None
    undecided: int = 0  #: Candidates of the latest search that nobody has decided about.
    phrase_by: str = ""  #: How pass-phrases reach the person: sms, letter, voice; "": as the program chooses.
    unredacted: int = 0  #: Passages about other people, of what an access answer would hold, without a decision.
    documents_open: int = 0  #: Documents of an access answer that are not fetched, or that nobody has decided about.
    legal_hold: bool = False  #: IMY or court: nothing is deleted.
    purged_at: datetime | None = None


class Challenge(Row, table=True):
    """A one-time code sent to a contact point on file; the code stands in the sealed mail and nowhere else."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    digest: str = Field(max_length=64)  #: Keyed digest of the code, bound to the case.
    channel: str = "mail"  #: mail, sms, letter
    state: str = "sent"  #: Of an SMS: ready, sending, sent, failed, uncertain; the others are mails or on paper.
    sealed_text: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: Of an SMS that has not left yet.
    contact_index: str = Field(max_length=64, index=True)  #: Blind index of the contact point.
    sealed_contact: bytes = Field(sa_type=sa.LargeBinary)
    created_at: datetime
    expires_at: datetime
    tries: int = 0  #: Answers taken so far, right or wrong.
    answered_at: datetime | None = None  #: When the right code came back: it is used up.


class Request(Row, table=True):
    """One right exercised in a case. It survives the purge of the case: it names nobody."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    right: str  #: model.Right
    portability: bool = False
    message_id: int | None = Field(default=None, foreign_key="message.id")  #: The mail that asked for it.
    state: str = Field(index=True)  #: lifecycle.State
    version: int = 0  #: Grows with every change of state; compare-and-set looks at it.
    received_at: datetime = Field(index=True)
    send_by_on: date = Field(index=True)  #: Planning date, pauses and extension included.
    legal_on: date  #: Outer limit, pauses and extension included.
    paused_days: int = 0
    extended_at: datetime | None = None
    blocked_reason: str = ""  #: Code: uncertain, access_first, ...
    #: References of cases whose answer would come first (freezing) and that a person has said not to wait for.
    not_awaited: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    needed_level: str = ""  #: Identity level that it demands, by what was found and is to change; "": not known yet.
    decision: str = ""  #: "", refuse, unidentified, deceased, not_request, done, ...: what a person decided to answer
    refusal_ground: str = ""  #: Article that a refusal rests on, e.g. "12(5)"; "": none, or another law.
    outcome: str | None = None  #: lifecycle.Outcome
    closed_at: datetime | None = Field(default=None, index=True)
    sealed_grounds: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: JSON: reasons of a decision.
    sealed_note: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: Staff's own words for its letters.
