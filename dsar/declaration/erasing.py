"""
What erasing a record means in its system: when, how, and what the product keeps of it.

Effects: none.
"""

import re
from typing import Literal

from pydantic import Field, model_validator

from dsar.declaration.facts import Name, Said, Strict
from dsar.declaration.web import Expression


class Pending(Strict):
    """What stands in the way of erasing a record: other records of the person that are not closed."""

    object: Name
    column: Name  #: Of that object.
    closed: tuple[str, ...] = Field(min_length=1)  #: Values that mean that it is over.
    reason: Said


class Located(Strict):
    """Rows of a database that belong to a record, or to rows that belong to it."""

    table: Name
    key: Name  #: Column that names one row.
    column: Name  #: Holds the key of the record, or with *of* the key of one of those rows.
    path: Expression | None = None  #: Where it stands in the JSON of the column.
    where: dict[str, str] = Field(default_factory=dict)  #: Constant columns.
    of: "Located | None" = None


class Residue(Located):
    """
    What the product keeps of a record that it says to have erased or changed, and what removes it (P7).

    It is removed in the product's own database: by `write_url` (sql) or `residue_url`. Without that, a person has to.
    """

    label: Said
    set: dict[str, str] = Field(default_factory=dict)  #: Column -> what overwrites it, {id} its row; without: deleted.
    #: Columns of the record: meant are the rows whose *column* holds one of their values as text, as a job that waits.
    holding: tuple[Name, ...] = ()


class FileResidue(Strict):
    """
    Files of the product that keep something of a record which it says to have erased, and what becomes of them (P7).

    They are reached where the program runs, below option `residue_folder`. Without that, a person has to.
    """

    label: Said
    files: Name  #: Glob below that folder; `{column}` is a value of the record, as one part of the path.
    holding: tuple[Name, ...] = ()  #: Columns: only files that hold one of their values; without: all of the glob.
    #: delete: the file goes; blank: the values in it are overwritten where they stand, as in a log that is being
    #: written; rebuild: it goes, and the product makes it anew from what there still is, as an index.
    action: Literal["delete", "blank", "rebuild"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column whose value says which files are meant."""
        return (*self.holding, *re.findall(r"\{([^{}]+)\}", self.files))

    @model_validator(mode="after")
    def _says_what_is_meant(self) -> "FileResidue":
        if self.files.startswith("/") or ".." in self.files.split("/"):
            raise ValueError("files lie below the folder of the product")
        if not self.columns:
            raise ValueError("without a column, files of everybody would be meant")
        if self.action == "blank" and not self.holding:
            raise ValueError("'blank' needs 'holding': what is overwritten")
        return self


class Rare(Strict):
    """
    What stays of an emptied record and may tell one person: values that few records have (recital 26).

    Few is judged by all columns together; what is empty tells nothing.
    """

    columns: tuple[Name, ...] = Field(min_length=1)
    fewer_than: int = Field(default=5, ge=2)  #: Records with the same values; so many and more hide one another.
    #: Column -> what replaces it in a record that is rare; the others are then judged without these.
    set: dict[str, str] = Field(default_factory=dict)


class Erase(Strict):
    """What erasing a record means in this system, once no law keeps it."""

    action: Literal["delete", "anonymise", "keep"]  #: keep: a person decides when the law's period has passed.
    pending: tuple[Pending, ...] = ()  #: While one of these is open, erasing is a task for a person.
    set: dict[str, str] = Field(default_factory=dict)  #: anonymise: column -> what replaces it, {key} the record's.
    rare: Rare | None = None  #: anonymise: what of the rest may be rare.
    follows: tuple[Name, ...] = ()  #: anonymise: columns that go by another request or record, or as residue.
