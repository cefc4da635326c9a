"""
TOML -> the register of processing activities (Art. 30), as Art. 15 needs it.

Effects: reads the named file.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from dsar.declaration.facts import Fact, Name, RecipientFact, Said, Strict, Unknown
from dsar.declaration.lines import Place, parse, read
from dsar.model import Activity, Recipient, Text


class _DeclaredActivity(Strict):
    id: Name
    policy: tuple[Name, ...] = ()  #: Rows of the privacy policy that this activity stands for.
    label: Said
    purposes: Fact
    legal_basis: Fact
    categories: Fact
    recipients: tuple[RecipientFact, ...]
    retention: Fact
    source: Fact | None = None
    automated_decisions: Fact | None = None
    portable: bool = False
    objectable: bool = False
    marketing: bool = False

    def activity(self) -> Activity:
        texts = {name: getattr(self, name) for name in _TEXT_FACTS}
        missing = [f"{name}: {fact.unknown}" for name, fact in texts.items() if isinstance(fact, Unknown)]
        missing += [f"recipients: {each.unknown}" for each in self.recipients if isinstance(each, Unknown)]
        return Activity(
            id=self.id,
            label=self.label,
            recipients=tuple(each for each in self.recipients if isinstance(each, Recipient)),
            portable=self.portable,
            objectable=self.objectable,
            marketing=self.marketing,
            unknown=tuple(missing),
            **{name: Text(sv="", en="") if isinstance(fact, Unknown) else fact for name, fact in texts.items()},
        )


_TEXT_FACTS = ("purposes", "legal_basis", "categories", "retention", "source", "automated_decisions")


class _Register(Strict):
    activities: tuple[_DeclaredActivity, ...] = Field(alias="activity")


def load_register(path: Path) -> dict[str, Activity]:
    """
    The register of processing activities in the TOML file *path*: {id: Activity} in the file's order.

    A missing text fact is an empty Text and named in Activity.unknown.
    Raises: SettingsError with every fault as "file:line: key: what is wrong".
    """
    register = parse(read(path), str(path), _Register, _ids_given_twice)
    return {each.id: each.activity() for each in register.activities}


def _ids_given_twice(register: _Register) -> Iterator[tuple[Place, str]]:
    ids = [each.id for each in register.activities]
    for index, id_ in enumerate(ids):
        if id_ in ids[:index]:
            yield ("activity", index, "id"), "another activity has this id"
