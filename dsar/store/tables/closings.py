"""What statistics of a past month keep of a request."""

from datetime import date, datetime

from sqlmodel import Field

from dsar.store.tables.base import Row


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
