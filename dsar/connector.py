"""
The contract between dsar and a connected system.

Effects: none here. A connector is built from its settings and declaration, keeps no state between calls that a crash
could lose, and offers abilities as separate small protocols; what it cannot do is known from its type before
anything runs.

A read that could not be finished raises SystemUnavailableError or answers `complete=False`; it never answers "nothing".
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from dsar.model import Document, Identifier, PlanStep, Record, RequestedChange, StepOutcome

#: A larger document is not fetched; a person brings it.
LARGEST_DOCUMENT_BYTES = 50_000_000


@dataclass(frozen=True, kw_only=True)
class SearchAnswer:
    """What one system said about one set of identifiers."""

    records: tuple[Record, ...]
    complete: bool  #: False: part of it could not be read.
    emits: tuple[Identifier, ...] = ()  #: Company-assigned keys and company-entered identifiers of certain records.
    detail: str = ""  #: Why it is not complete, without personal data.
    waiting: bool = False  #: Somebody has still to answer.


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether a system answers and the canary person is found (catches lost permissions and hidden filters)."""

    ok: bool
    detail: str
    notes: tuple[str, ...] = ()  #: What should be otherwise but stops nothing, without personal data.


@runtime_checkable
class Searches(Protocol):
    """Can find what a system holds about a person."""

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        """
        All records that hold one of *identifiers*, inactive and disabled ones included.

        Args: identifiers: in normal form, proven in this case or reached by company-assigned keys; read_at: provenance.
        Raises: SystemUnavailableError; SystemRefusedError; SystemContractError.
        """
        ...

    def health(self) -> Health:
        """Cheap authenticated call plus the canary person of the declaration; an unreachable system is not an error."""
        ...


@runtime_checkable
class Attaches(Protocol):
    """Can fetch the documents that its records carry."""

    def fetch(self, record: Record, document: Document) -> bytes:
        """
        The whole document, at most LARGEST_DOCUMENT_BYTES.

        Args: document: one of *record*, as a search told it.
        Raises: SystemDriftError if it is gone or no longer the one that was told; SystemUnavailableError;
        SystemRefusedError; SystemContractError.
        """
        ...


@runtime_checkable
class Updates(Protocol):
    """Can change values."""

    def plan_update(self, records: Sequence[Record], changes: Sequence[RequestedChange]) -> tuple[PlanStep, ...]:
        """Steps that make *changes* in *records*; touches nothing."""
        ...

    def apply(self, step: PlanStep, *, key: str) -> None:
        """
        Carry out one approved step, once per *key*.

        Raises: SystemDriftError if what is stored is no longer what the step's `before` says; SystemRefusedError.
        """
        ...

    def verify(self, step: PlanStep) -> StepOutcome:
        """Read back by key, inactive objects included."""
        ...


@runtime_checkable
class Erases(Protocol):
    """Can erase or anonymise records."""

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        """One step per record: erase, anonymise, keep with law and end date, or task; touches nothing."""
        ...

    def apply(self, step: PlanStep, *, key: str) -> None: ...

    def verify(self, step: PlanStep) -> StepOutcome: ...


@runtime_checkable
class LooksUp(Protocol):
    """Can read one record by its key, long after a search has found it."""

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        """
        The record as a search would tell it now, inactive ones included; None if there is none with this key.

        Args: object_: name in the declaration.
        Raises: SystemUnavailableError; SystemRefusedError; SystemContractError, also where keys do not last, as the
        numbers of rows.
        """
        ...


@runtime_checkable
class Restricts(Protocol):
    """Can mark records as stored and not otherwise used (Art. 18)."""

    def plan_restrict(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        """Steps that lock what of *records* is not locked; touches nothing."""
        ...

    def apply(self, step: PlanStep, *, key: str) -> None: ...

    def verify(self, step: PlanStep) -> StepOutcome: ...


@runtime_checkable
class Suppresses(Protocol):
    """Can stop marketing to a contact point."""

    def plan_suppress(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        """Steps that stop marketing in *records*; touches nothing."""
        ...

    def apply(self, step: PlanStep, *, key: str) -> None: ...

    def verify(self, step: PlanStep) -> StepOutcome: ...


# ------------------------------------------------------------------------------------------- what a system bears


class Turns(Protocol):
    """Lets through no more calls than one system bears, whoever makes them: any thread, worker or machine."""

    def turn(self) -> AbstractContextManager[None]:
        """
        Wait until a call may begin; it is under way for as long as the block lasts.

        A call is one request to a web API or an address book, or one connection to a database, a directory or a
        mailbox. Not within another turn, nor within a transaction of the database. Raises: DatabaseUnavailableError.
        """
        ...

    def pause(self, seconds: float) -> None:
        """The system has asked that nobody calls it for so long. Raises: DatabaseUnavailableError."""
        ...


@runtime_checkable
class TakesTurns(Protocol):
    """Bears only so many calls, as its declaration says under `rate`."""

    def share(self, turns: Turns) -> None:
        """Ask *turns* before every call from now on, in place of a count of this process alone."""
        ...


# --------------------------------------------------------------------------------------------- what ends later


class Jobs(Protocol):
    """The jobs that one step of a plan has begun in a system, kept where no crash can take them."""

    def begun(self) -> Mapping[str, str]:
        """{request of the step, as the connector names it: the system's own id of the job that it began}"""
        ...

    def begin(self, request: str, job: str) -> None:
        """
        Commit that *request* has begun *job*; called before the job is asked about for the first time.

        Not within a transaction of the database. Raises: DatabaseUnavailableError.
        """
        ...


@runtime_checkable
class BeginsJobs(Protocol):
    """Ends some changes later, by jobs with ids of their own."""

    def with_jobs(self, jobs: Jobs) -> Searches:
        """
        The same system with the same abilities, for one step.

        Its `apply` waits for the jobs that *jobs* knows and does not ask for them anew.
        """
        ...


# ------------------------------------------------------------------------------------------------- people as systems


@dataclass(frozen=True, kw_only=True)
class Holding:
    """One thing that a colleague says to hold about the person of a case."""

    object: str  #: Name in the declaration.
    values: tuple[tuple[str, str], ...]  #: (declared column, text)
    picked: bool  #: The colleague wrote or chose just this; else it is a row of a register that holds others, too.


class Word(StrEnum):
    """What a colleague has said about a change that was put before them."""

    ASKED = "asked"  #: Nothing yet.
    DONE = "done"
    CANNOT = "cannot"


class Desk(Protocol):
    """The questions and orders of one case at one place that people answer for."""

    @property
    def asked_for(self) -> Sequence[Identifier]:
        """What the colleagues were given to find the person by."""
        ...

    @property
    def waiting_for(self) -> str:
        """How many have not answered, in words; "" when all have."""
        ...

    @property
    def holdings(self) -> Mapping[str, Holding]:
        """{key: what is held}, as it is by the colleagues' word: changes that they have made are in it."""
        ...

    def order(self, step: PlanStep) -> None:
        """Put one approved step before whoever holds its record, once."""
        ...

    def word(self, step: PlanStep) -> Word | None:
        """What they said about this step; None: it was not put before anybody."""
        ...


@runtime_checkable
class Asks(Protocol):
    """Is answered by people: searched in what they wrote, changed by asking them."""

    individuals: bool  #: No office: employees, each asked only if a record names them or staff do.

    def at(self, desk: Desk) -> Searches:
        """The system as the people of one case know it."""
        ...

    def read(self, text: str, files: Sequence[tuple[str, bytes]]) -> tuple[Holding, ...]:
        """
        What an answer says to be held.

        Args: text: as the colleague wrote it; files: (name, content), as attached.
        Raises: SystemContractError if only a person can read it; nothing of it counts then (P5).
        """
        ...
