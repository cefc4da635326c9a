"""
The tables. Columns named sealed_* hold what the vault encrypted; all others hold references, codes, counts and times.

Blind indexes (`*_index`) are keyed digests; they are deleted with their case.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

#: Stable constraint names, so that migrations can address them on every database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """Base of all tables: values are checked when a row is made or changed, which SQLModel does not do by itself."""

    model_config = {"validate_assignment": True}


# ------------------------------------------------------------------------------------------------------------ mail


class Folder(Row, table=True):
    """How far a folder of a mailbox has been read."""

    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uid_validity: int = Field(sa_type=sa.BigInteger)  #: Epoch of last_uid; another epoch means reading anew.
    last_uid: int = Field(sa_type=sa.BigInteger)  #: Everything up to here is stored.
    polled_at: datetime  #: Last complete poll; the watchdog looks here.


class RawContent(Row, table=True):
    """The exact bytes of a mail, once, however often it was seen."""

    __tablename__ = "raw_content"
    sha256: str = Field(primary_key=True, max_length=64)
    size: int  #: Bytes before sealing.
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)  #: b"" of a big mail, which lies in RawPiece.


class RawPiece(Row, table=True):
    """A piece of a mail that was too big for memory; together, in order, the exact bytes."""

    __tablename__ = "raw_piece"
    sha256: str = Field(primary_key=True, max_length=64)  #: Of the whole mail.
    position: int = Field(primary_key=True)
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)


class Sighting(Row, table=True):
    """A mail seen on the server; the same bytes seen twice are two sightings of one message."""

    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uid_validity: int = Field(primary_key=True, sa_type=sa.BigInteger)
    uid: int = Field(primary_key=True, sa_type=sa.BigInteger)
    sha256: str | None = Field(default=None, max_length=64, index=True)  #: None: the server would not give the mail.
    received_at: datetime | None  #: INTERNALDATE.
    stated_size: int | None = None  #: RFC822.SIZE, which some servers get wrong; only ever compared with itself.
    attempts: int = 0  #: How often the server would not give it.
    retry_at: datetime | None = None  #: When it is asked for again; None: it is stored, or was given up.
    moved_at: datetime | None = None  #: When it was moved to the done folder.
    done_uid_validity: int | None = Field(default=None, sa_type=sa.BigInteger)  #: Epoch of the done folder, if known.
    done_uid: int | None = Field(default=None, sa_type=sa.BigInteger)  #: Its UID there, as COPYUID or a look told.
    gone_at: datetime | None = None  #: When it was first missed on the server.


class Message(Row, table=True):
    """A mail, once: every message ends with exactly one disposition."""

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True, max_length=64)
    mailbox: str
    received_at: datetime = Field(index=True)  #: Arrival at the mail server: the legal clock starts here.
    status: str = Field(default="new", index=True)  #: new, sorted, person (waits for one), quarantine
    disposition: str | None = None
    flags: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    case_id: int | None = Field(default=None, foreign_key="case_file.id", index=True)  #: The first case it joined.
    attempts: int = 0  #: Of sorting it.
    last_error: str = ""  #: Class of the last error, never its text.
    purged_at: datetime | None = None  #: Its bytes are gone; that it came is still known.


# ----------------------------------------------------------------------------------------------------------- cases


class Counter(Row, table=True):
    """Last number given in a series, e.g. "D-2026"."""

    series: str = Field(primary_key=True)
    last: int


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


class CaseIndex(Row, table=True):
    """Blind index: which cases an identifier or address belongs to."""

    __tablename__ = "case_index"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    digest: str = Field(primary_key=True, max_length=64, index=True)
    message_id: int | None = None  #: The mail that brought it first; None in cases of version 0.1.


class CaseMessage(Row, table=True):
    """A mail that belongs to a case; one mail may belong to several."""

    __tablename__ = "case_message"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    message_id: int = Field(primary_key=True, foreign_key="message.id", index=True)
    role: str  #: request, follow_up, copy, answer (to a code), stranger (from an address that is not of the case)
    sealed_triage: bytes = Field(sa_type=sa.LargeBinary)


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
    needed_level: str = ""  #: Identity level that it demands, by what was found and is to change; "": not known yet.
    decision: str = ""  #: "", refuse, unidentified, done, withdrawn: what a person decided to answer
    refusal_ground: str = ""  #: Article that a refusal rests on, e.g. "12(5)"; "": none, or another law.
    outcome: str | None = None  #: lifecycle.Outcome
    closed_at: datetime | None = Field(default=None, index=True)
    sealed_grounds: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: JSON: reasons of a decision.
    sealed_note: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: Staff's own words for its letters.


class Closing(Row, table=True):
    """
    One time that a request was closed; what statistics of a past month keep, whatever happens to it later.

    One whose letter came back is taken away again: nothing had reached the person.
    """

    __tablename__ = "request_closing"
    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="request.id", index=True)
    closed_at: datetime = Field(index=True)
    outcome: str  #: lifecycle.Outcome
    ground: str = ""  #: Of a refusal: the article that it rests on, e.g. "12(5)".
    legal_on: date  #: The outer limit as it stood then.
    paused_days: int = 0
    reopened_at: datetime | None = None


class EventRow(Row, table=True):
    """Append-only audit trail: written in the transaction of what it tells, chained by the sealer (promise P8)."""

    __tablename__ = "event"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    actor: str  #: Name of a member of staff, or "dsar".
    name: str  #: lifecycle.Event, or what was looked at or done.
    case_id: int | None = Field(default=None, index=True)
    request_id: int | None = None
    from_state: str | None = None
    to_state: str | None = None
    detail: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  #: Codes, counts and digests only.


class Seal(Row, table=True):
    """Link of the hash chain: digest over the previous digest and one event."""

    event_id: int = Field(primary_key=True, foreign_key="event.id")
    position: int = Field(unique=True)
    digest: str = Field(max_length=64)


# ---------------------------------------------------------------------------------------------------------- search


class SystemRow(Row, table=True):
    """How the search of one system ended in one run."""

    __tablename__ = "system_result"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    run: int = Field(primary_key=True)
    system: str = Field(primary_key=True)
    outcome: str  #: model.SystemOutcome
    detail: str = ""
    searched_at: datetime
    sealed_records: bytes = Field(sa_type=sa.LargeBinary)


class Decision(Row, table=True):
    """A person's word on a candidate record."""

    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    record_index: str = Field(primary_key=True, max_length=64)  #: Blind index of system, object and key.
    accepted: bool
    actor: str
    at: datetime


class Redaction(Row, table=True):
    """A person's word on a passage of free text about somebody else."""

    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    passage_index: str = Field(primary_key=True, max_length=64)  #: Blind index of the record, the field and the words.
    removed: bool
    actor: str
    at: datetime
    sealed_passage: bytes = Field(sa_type=sa.LargeBinary)  #: redaction.Passage as JSON.


class CaseDocument(Row, table=True):
    """A document that a record carries, fetched for an access answer (Art. 15(3)), and a person's word on it."""

    __tablename__ = "case_document"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    document_index: str = Field(primary_key=True, max_length=64)  #: Blind index of its record and its place there.
    state: str = "wanted"  #: wanted, kept, gone (the system has it no longer), refused (a person brings it)
    word: str = ""  #: annex, left_out; "": nobody has decided.
    is_clear: bool = False  #: It could be read whole, and nothing in it looks like another person.
    replaced: bool = False  #: A person put a redacted copy in its place.
    ground: str = ""  #: redaction.Ground of what is left out.
    size: int = 0  #: Bytes.
    sha256: str = Field(default="", max_length=64)
    sealed_content: bytes = Field(default=b"", sa_type=sa.LargeBinary)
    actor: str = ""
    at: datetime


# ----------------------------------------------------------------------------------------------------------- tasks


class Task(Row, table=True):
    """A question to a colleague about what they hold, or a change that they are to make."""

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)  #: TASK-7K3MX9Q2XA: random, so that nobody can guess it.
    case_id: int = Field(foreign_key="case_file.id", index=True)
    system: str
    kind: str  #: search, update, erase, anonymise, suppress
    state: str = Field(default="open", index=True)  #: open, person (waits for one), answered, late (waits for one)
    why: str = ""  #: Code of what a person must look at: unclear, unreadable, unreachable, cannot, contradicts, late
    owner_index: str = Field(max_length=64, index=True)  #: Blind index of who answers for it.
    sealed_owner: bytes = Field(sa_type=sa.LargeBinary)  #: Address.
    sealed_question: bytes = Field(sa_type=sa.LargeBinary)  #: What finds the person, or the step.
    step_index: str | None = Field(default=None, unique=True, max_length=64)  #: Of a change: put before them once.
    opened_at: datetime
    asked_at: datetime | None = None  #: First mail about it.
    reminders: int = 0
    escalated_at: datetime | None = None
    deputised: bool = False  #: The owner does not read mail: the deputy is asked.
    clarified: bool = False  #: An unclear answer was asked about.
    answered_at: datetime | None = None


class TaskMail(Row, table=True):
    """Which tasks a mail to a colleague was about; whoever got one may answer."""

    __tablename__ = "task_mail"
    task_id: int = Field(primary_key=True, foreign_key="task.id")
    outbox_id: int = Field(primary_key=True, foreign_key="outbox.id", index=True)
    person_index: str = Field(max_length=64, index=True)  #: Blind index of the recipient.
    sent_on: date


class TaskAnswer(Row, table=True):
    """One answer to a task; a later one is added, never put in its place."""

    __tablename__ = "task_answer"
    id: int | None = Field(default=None, primary_key=True)
    task_id: int = Field(foreign_key="task.id", index=True)
    at: datetime
    word: str  #: nothing, held, done, cannot
    message_id: int | None = None  #: The mail that brought it.
    sealed_signer: bytes = Field(sa_type=sa.LargeBinary)  #: Who says so.
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)  #: What is held, or why it cannot be done.


# --------------------------------------------------------------------------------------------------------- letters


class LetterRow(Row, table=True):
    """A letter to a data subject, from draft to sent."""

    __tablename__ = "letter"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    kind: str  #: model.LetterKind
    language: str
    status: str = "draft"  #: draft, approved, sent, void
    composed_on: date  #: A letter of another day is made anew before approval.
    inputs_sha256: str = Field(max_length=64)  #: Keyed digest of what it was made from.
    template_sha256: str = Field(max_length=64)
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)  #: JSON: subject, text, html, recipient.


class LetterAnnex(Row, table=True):
    """A file that goes with a letter."""

    __tablename__ = "letter_annex"
    letter_id: int = Field(primary_key=True, foreign_key="letter.id")
    position: int = Field(primary_key=True)
    filename: str
    content_type: str
    sha256: str = Field(max_length=64)
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)


class LetterRequest(Row, table=True):
    """Which requests a letter answers."""

    __tablename__ = "letter_request"
    letter_id: int = Field(primary_key=True, foreign_key="letter.id")
    request_id: int = Field(primary_key=True, foreign_key="request.id", index=True)


class ApprovalRow(Row, table=True):
    """A named person's approval; binds exactly what was shown (promise P3)."""

    __tablename__ = "approval"
    id: int | None = Field(default=None, primary_key=True)
    letter_id: int = Field(foreign_key="letter.id", index=True)
    actor: str
    at: datetime
    binding: dict[str, str] = Field(sa_type=sa.JSON)  #: Hashes of text, html, annexes, recipient, channel, plan, MIME.
    voided_at: datetime | None = None
    void_reason: str = ""


class OutboxRow(Row, table=True):
    """One outgoing mail; committed, with its Message-ID, before any server hears of it (promise P2)."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int | None = Field(default=None, foreign_key="case_file.id", index=True)
    letter_id: int | None = Field(default=None, foreign_key="letter.id", index=True)
    kind: str
    channel: str = "mail"  #: mail, post
    part: int = 1  #: Of a letter that is too big for one mail: which of its mails this is, from 1.
    parts: int = 1  #: How many mails the letter takes.
    message_id: str = Field(unique=True)
    mime_sha256: str = Field(max_length=64)
    sealed_mime: bytes = Field(sa_type=sa.LargeBinary)  #: The exact mail; of a letter by post the PDF to print.
    sealed_recipient: bytes = Field(sa_type=sa.LargeBinary)
    state: str = Field(default="ready", index=True)  #: held, ready, sending, sent, to_post, uncertain, failed, recalled
    attempts: int = 0
    created_at: datetime
    sending_at: datetime | None = None  #: Start of the last attempt.
    sent_at: datetime | None = None
    evidence: str = ""  #: How we know it was sent: "accepted", "found_in_sent", "person"
    filed_at: datetime | None = None  #: A copy lies in the sent folder.
    copy_gone_at: datetime | None = None  #: That copy was removed when its time was up.


class PassPhrase(Row, table=True):
    """What opens the encrypted files of one letter; it never travels the way that they do."""

    __tablename__ = "pass_phrase"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    letter_id: int = Field(foreign_key="letter.id", unique=True)
    channel: str  #: sms, letter, voice
    #: held (until the letter left), ready, sending, sent, failed, uncertain (SMS), to_post, to_read, void
    state: str = Field(default="held", index=True)
    sealed_contact: bytes = Field(sa_type=sa.LargeBinary)  #: The phone or address on file; empty: none.
    sealed_phrase: bytes = Field(sa_type=sa.LargeBinary)  #: b"": destroyed.
    created_at: datetime
    told_at: datetime | None = None  #: When it was sent, posted or read out.


# ---------------------------------------------------------------------------------------------------- change plans


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


# ------------------------------------------------------------------------------------------------------------ work


class Work(Row, table=True):
    """A due step: idempotent, leased to one worker at a time, removed when done."""

    id: int | None = Field(default=None, primary_key=True)
    step: str  #: Name in worker.STEPS.
    subject_id: int  #: Id of the message, case or outbox row it is about.
    due_at: datetime = Field(index=True)
    lease_until: datetime | None = None
    rerun_at: datetime | None = None  #: It became due again at this time while it was under way.
    worker: str = ""
    attempts: int = 0
    last_error: str = ""  #: Class of the last error, never its text.
    __table_args__ = (sa.UniqueConstraint("step", "subject_id"),)


class Lease(Row, table=True):
    """Something only one process may do at a time, e.g. reading a mailbox."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime


class HealthMark(Row, table=True):
    """The last time that something happened by which one sees whether mail flows."""

    __tablename__ = "health_mark"
    name: str = Field(primary_key=True)  #: e.g. "self_test_sent", "alarm:mailbox privacy"
    at: datetime
    detail: str = ""  #: Of a self-test its Message-ID.
