"""Mails as they came, and where they lay."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


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
    stored_at: datetime | None = None  #: When it was taken in; an old mail may be found late. None: as received_at.
    status: str = Field(default="new", index=True)  #: new, sorted, person (waits for one), quarantine
    disposition: str | None = None
    flags: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    case_id: int | None = Field(default=None, foreign_key="case_file.id", index=True)  #: The first case it joined.
    attempts: int = 0  #: Of sorting it.
    last_error: str = ""  #: Class of the last error, never its text.
    purged_at: datetime | None = None  #: Its bytes are gone; that it came is still known.
