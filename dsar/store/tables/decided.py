"""A person's word on what the systems hold."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


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
