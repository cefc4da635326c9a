"""The bytes of mails, and how far a mailbox was read."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


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
