"""
casework -> connectors: the steps of a change plan, and what reading back showed.

Effects: none.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dsar.model.terms import Text


class StepAction(StrEnum):
    """What a step of a change plan does to one record."""

    UPDATE = "update"
    ERASE = "erase"  #: The record is deleted.
    ANONYMISE = "anonymise"  #: Every field that ties it to the person is emptied or overwritten.
    SUPPRESS = "suppress"  #: Marketing to the person is stopped.
    RESTRICT = "restrict"
    KEEP = "keep"  #: It stays, and the law and end date say why.
    TASK = "task"  #: A person has to do it.


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """Before and after of one field."""

    path: str
    label: Text
    before: str
    after: str | None  #: None: the value goes.


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step of a change plan, for one record of one system."""

    system: str
    object: str
    object_label: Text
    key: str
    action: StepAction
    changes: tuple[FieldChange, ...] = ()
    reason: Text | None = None  #: Of a keep or a task.
    law: Text | None = None  #: Law and section of a keep.
    until: date | None = None  #: Last day of a keep.
    document_sha256: str = ""  #: Of the document that the record is, which is known by it wherever it is put.


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What reading back showed after a step."""

    step: PlanStep
    done: bool
    detail: str  #: In words without personal data.
    waiting: bool = False  #: A colleague has been asked to do it and has not answered.
