"""
The contract between dsar and a connected system.

Effects: none here. A connector is built from its settings and declaration, keeps no state between calls that a crash
could lose, and offers abilities as separate small protocols; what it cannot do is known from its type before
anything runs.

A read that could not be finished raises SystemUnavailableError or answers `complete=False`; it never answers "nothing".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether a system answers and the canary person is found (catches lost permissions and hidden filters)."""

    ok: bool
    detail: str


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
class Suppresses(Protocol):
    """Can stop marketing to a contact point."""

    def plan_suppress(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        """Steps that stop marketing in *records*; touches nothing."""
        ...

    def apply(self, step: PlanStep, *, key: str) -> None: ...

    def verify(self, step: PlanStep) -> StepOutcome: ...
