"""
(systems, identifiers) -> SearchResult.

Effects: none of its own; it asks the given systems, all of a round side by side. Strong identifiers that certain
records give are followed in the next round until nothing new comes. What only points at a person, and what differently
named persons share, makes candidates and is never followed (P6); so do name and street of certain records, together. A
system that fails does not stop the others, and ends as failed or partial, never as nothing (P5).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations, count

from dsar.connector import SearchAnswer, Searches
from dsar.errors import DsarError
from dsar.identifiers import is_role_mailbox
from dsar.model import (
    Identifier,
    IdentifierType,
    Record,
    SearchResult,
    Strength,
    SystemOutcome,
    SystemResult,
)
from dsar.names import can_be_same_person

#: Rounds before a search that still finds new identifiers is given up as incomplete.
MAX_ROUNDS = 5

#: These point at a person but may lead to another one: namesakes, households, companies, equipment that changed hands.
POINTING_TYPES = frozenset({IdentifierType.NAME, IdentifierType.ADDRESS, IdentifierType.ORGNR, IdentifierType.SERIAL})

#: One of these may serve several people: a household's phone, an office's address, a company's customer number.
_SHAREABLE_TYPES = frozenset(
    {IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.CUSTOMER_NO, IdentifierType.USERNAME}
)

Parallel = Callable[[Callable[[str], "_Answer"], Sequence[str]], Iterable["_Answer"]]


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What one system gave in one round: records with their strength set right, or why not."""

    records: tuple[Record, ...] = ()
    emits: tuple[Identifier, ...] = ()
    complete: bool = True
    failed: bool = False
    waiting: bool = False  #: Somebody has still to answer.
    detail: str = ""
    owners: frozenset[tuple[Identifier, "_Owner"]] = frozenset()  #: Whom each identifier found for certain.
    weak: tuple[Identifier, ...] = ()  #: What records gave that are only candidates because of what found them.


@dataclass(frozen=True, kw_only=True)
class _Owner:
    """What a record tells of whose it is."""

    place: tuple[str, str]  #: System and object.
    name: str
    numbers: frozenset[str]  #: Personnummer.
    emails: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> "_Owner":
        return cls(
            place=(record.system, record.object),
            name=record.person_name or "",
            numbers=frozenset(each.value for each in record.own if each.type is IdentifierType.PERSONNUMMER),
            emails=frozenset(each.value for each in record.own if each.type is IdentifierType.EMAIL),
        )


@dataclass
class _Progress:
    """What is known of one system so far."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)  # (object, key) -> its strongest record
    detail: str = "there is no identifier to search by"  #: Until the first answer.
    complete: bool = True
    failed: bool = False
    waiting: bool = False
    answered: bool = False
    owners: set[tuple[Identifier, _Owner]] = field(default_factory=set)
    searched_at: datetime | None = None  #: Of an answer that was kept; None: now.

    @classmethod
    def kept(cls, result: SystemResult) -> "_Progress":
        """What *result*, a whole answer of an earlier search by the same facts, tells."""
        certain = (record for record in result.records if record.strength is Strength.CERTAIN)
        return cls(
            records={(record.object, record.key): record for record in result.records},
            detail=result.detail,
            answered=True,
            owners={(record.found_by, _Owner.of(record)) for record in certain},
            searched_at=result.searched_at,
        )

    def take(self, answer: _Answer) -> None:
        for record in answer.records:
            known = self.records.get((record.object, record.key))
            if known is None or (known.strength, record.strength) == (Strength.CANDIDATE, Strength.CERTAIN):
                self.records[record.object, record.key] = record
        self.owners |= answer.owners
        self.searched_at = None
        self.detail = (self.detail if self.answered or self.failed else "") or answer.detail
        self.complete &= answer.complete
        self.failed |= answer.failed
        self.waiting |= answer.waiting
        self.answered |= not answer.failed

    @property
    def outcome(self) -> SystemOutcome:
        if not self.answered:
            return SystemOutcome.FAILED
        if self.failed or not self.complete:
            return SystemOutcome.PARTIAL
        if self.waiting:
            return SystemOutcome.WAITING
        return SystemOutcome.FOUND if self.records else SystemOutcome.NOTHING


def side_by_side(ask: Callable[[str], _Answer], systems: Sequence[str]) -> Iterable[_Answer]:
    """`map` with one thread per system."""
    with ThreadPoolExecutor(max_workers=max(1, len(systems))) as pool:
        return list(pool.map(ask, systems))


def counted(told: Callable[[int, int], None]) -> Parallel:
    """side_by_side() that tells after each answer, from its thread, how many of how many systems have given theirs."""

    def run(ask: Callable[[str], _Answer], systems: Sequence[str]) -> Iterable[_Answer]:
        answered = count(1)

        def ask_and_tell(name: str) -> _Answer:
            answer = ask(name)
            told(next(answered), len(systems))
            return answer

        return side_by_side(ask_and_tell, systems)

    return run


def search(
    systems: Mapping[str, Searches],
    identifiers: Sequence[Identifier],
    *,
    claimed: Sequence[Identifier] = (),
    kept: Mapping[str, SystemResult] | None = None,
    now: datetime,
    parallel: Parallel = side_by_side,
) -> SearchResult:
    """
    What all *systems* hold about the person whom *identifiers* belong to.

    Args: identifiers: in normal form, proven in this case or given by staff; claimed: stated by the requester but not
    proven: what only they find are candidates, and they lead no further; kept: whole answers of an earlier search by
    these same facts: such a system is asked only for what the others newly lead to; parallel: runs a function over the
    names of systems as `map` does, answers in the same order.
    Returns: one line per system in the order of *systems*, failed without any identifier; the identifiers that were
    searched by, the given ones first.
    """
    shared: set[Identifier] = set()
    kept = {name: result for name, result in (kept or {}).items() if name in systems}
    while True:
        progress, searched = _follow(systems, identifiers, shared, kept, now, parallel)
        newly_shared = _shared_by_several(progress) - shared
        if not newly_shared:
            break
        # What two persons share proves neither: forget where it led and search again without following it.
        shared |= newly_shared
        kept = {}
    _follow_weakly(systems, progress, [each for each in identifiers if each in shared], searched, now, parallel)
    asked = {name: system for name, system in systems.items() if name not in kept}
    _add_claimed(asked, progress, [each for each in claimed if each not in searched], now, parallel)
    _add_at_home(systems, progress, kept, now, parallel)
    results = (
        SystemResult(
            system=name,
            outcome=done.outcome,
            detail=done.detail,
            searched_at=done.searched_at or now,
            records=tuple(done.records.values()),
        )
        for name, done in progress.items()
    )
    return SearchResult(systems=tuple(results), identifiers=searched)


def _follow(
    systems: Mapping[str, Searches],
    identifiers: Sequence[Identifier],
    shared: set[Identifier],
    kept: Mapping[str, SystemResult],
    now: datetime,
    parallel: Parallel,
) -> tuple[dict[str, _Progress], tuple[Identifier, ...]]:
    progress = {name: _Progress.kept(kept[name]) if name in kept else _Progress() for name in systems}
    searched: dict[Identifier, None] = {}
    new = tuple(dict.fromkeys(identifiers))
    for number in range(MAX_ROUNDS):
        if not new:
            break
        searched |= dict.fromkeys(new)
        asked = [name for name, done in progress.items() if not done.failed and (number or name not in kept)]
        answers = parallel(lambda name, new=new: _ask(systems[name], new, shared, now), asked)  # type: ignore[misc]
        emitted: dict[Identifier, None] = {}
        for name, answer in zip(asked, answers, strict=True):
            progress[name].take(answer)
            emitted |= dict.fromkeys(answer.emits)
        new = tuple(identifier for identifier in emitted if identifier not in searched)
    for done in progress.values():
        if new and done.answered:
            done.take(_Answer(complete=False, detail=f"new identifiers still came after {MAX_ROUNDS} rounds"))
    return progress, tuple(searched)


def _follow_weakly(
    systems: Mapping[str, Searches],
    progress: dict[str, _Progress],
    given: Sequence[Identifier],
    searched: Sequence[Identifier],
    now: datetime,
    parallel: Parallel,
) -> None:
    """
    Where all that is proven is shared by several persons, gather what belongs to each of them, as candidates.

    One of them is the person: without this, what lies behind their other identifiers would never come before anybody.
    """
    certain = any(each.strength is Strength.CERTAIN for done in progress.values() for each in done.records.values())
    new = [] if certain else [each for each in given if not is_role_mailbox(each)]
    seen = {*searched} - {*new}
    for _ in range(MAX_ROUNDS):
        if not new:
            return
        seen |= {*new}
        asked = [name for name in systems if not progress[name].failed]
        answers = parallel(lambda name, new=tuple(new): _ask(systems[name], new, set(new), now), asked)  # type: ignore[misc]
        gave: dict[Identifier, None] = {}
        for name, answer in zip(asked, answers, strict=True):
            progress[name].take(answer)
            gave |= dict.fromkeys(answer.weak)
        new = [each for each in gave if each not in seen and not is_role_mailbox(each)]


def _add_claimed(
    systems: Mapping[str, Searches],
    progress: dict[str, _Progress],
    claimed: Sequence[Identifier],
    now: datetime,
    parallel: Parallel,
) -> None:
    if not claimed:
        return
    asked = [name for name in systems if not progress[name].failed]
    answers = parallel(lambda name: _ask(systems[name], claimed, set(claimed), now), asked)
    for name, answer in zip(asked, answers, strict=True):
        progress[name].take(answer)


@dataclass(frozen=True, kw_only=True)
class _Home:
    """What certain records tell of the person's name and street."""

    names: frozenset[str]
    streets: frozenset[Identifier]

    @classmethod
    def of(cls, records: Iterable[Record]) -> "_Home":
        certain = [each for each in records if each.strength is Strength.CERTAIN]
        return cls(
            names=frozenset(each.person_name for each in certain if each.person_name),
            streets=frozenset(each.street for each in certain if each.street),
        )


def _add_at_home(
    systems: Mapping[str, Searches],
    progress: dict[str, _Progress],
    kept: Mapping[str, SystemResult],
    now: datetime,
    parallel: Parallel,
) -> None:
    """
    Records of whoever has the person's name and lives in the person's street, as candidates (P6).

    A bought register may hold nothing else. Neither is enough alone, for there are namesakes and households.
    """
    home = _Home.of(record for done in progress.values() for record in done.records.values())
    if not home.names or not home.streets:
        return
    known = _Home.of(record for result in kept.values() for record in result.records) == home
    asked = [name for name in systems if not progress[name].failed and not (known and name in kept)]
    answers = parallel(lambda name: _ask(systems[name], sorted(home.streets), set(), now), asked)
    for name, answer in zip(asked, answers, strict=True):
        theirs = (each for each in answer.records if _is_named(each, home.names))
        progress[name].take(replace(answer, records=tuple(theirs)))


def _is_named(record: Record, names: Collection[str]) -> bool:
    return bool(record.person_name) and any(can_be_same_person(each, record.person_name or "") for each in names)


def _ask(system: Searches, identifiers: Sequence[Identifier], shared: set[Identifier], now: datetime) -> _Answer:
    records: list[Record] = []
    emits: list[Identifier] = []
    weak: list[Identifier] = []
    owners: set[tuple[Identifier, _Owner]] = set()
    answers: list[SearchAnswer] = []
    try:
        for group in _groups(identifiers, shared):
            answer = system.search(group, read_at=now)
            answers.append(answer)
            if _only_points(group[0], shared):
                records += (replace(record, strength=Strength.CANDIDATE) for record in answer.records)
                weak += answer.emits
                continue
            records += answer.records
            emits += answer.emits
            certain = (record for record in answer.records if record.strength is Strength.CERTAIN)
            owners |= {(group[0], _Owner.of(record)) for record in certain}
    except DsarError as error:
        return _Answer(failed=True, detail=str(error))
    except Exception as error:  # noqa: BLE001  # a fault in one connector must not hide what the other systems hold
        return _Answer(failed=True, detail=f"fault in the connector ({type(error).__name__})")
    return _Answer(
        records=tuple(records),
        emits=tuple(emits),
        owners=frozenset(owners),
        weak=tuple(weak),
        complete=all(answer.complete for answer in answers),
        waiting=any(answer.waiting for answer in answers),
        detail=next((answer.detail for answer in answers if answer.detail), ""),
    )


def _groups(identifiers: Sequence[Identifier], shared: set[Identifier]) -> list[list[Identifier]]:
    """What is asked at once: shareable ones alone, to see whom each of them finds; the sure ones; those that point."""
    pointing = [identifier for identifier in identifiers if _only_points(identifier, shared)]
    leading = [identifier for identifier in identifiers if identifier not in pointing]
    alone = [[identifier] for identifier in leading if identifier.type in _SHAREABLE_TYPES]
    sure = [identifier for identifier in leading if identifier.type not in _SHAREABLE_TYPES]
    return [group for group in (*alone, sure, pointing) if group]


def _only_points(identifier: Identifier, shared: set[Identifier]) -> bool:
    return identifier.type in POINTING_TYPES or identifier in shared or is_role_mailbox(identifier)


def _shared_by_several(progress: Mapping[str, _Progress]) -> set[Identifier]:
    """Identifiers through which certain records of different persons were found, in any of the systems."""
    owners: dict[Identifier, set[_Owner]] = {}
    for done in progress.values():
        for identifier, owner in done.owners:
            if identifier.type in _SHAREABLE_TYPES:
                owners.setdefault(identifier, set()).add(owner)
    return {
        identifier
        for identifier, found in owners.items()
        if any(_are_two_people(one, other, identifier.type) for one, other in combinations(found, 2))
    }


def _are_two_people(one: _Owner, other: _Owner, found_by: IdentifierType) -> bool:
    """Whether two records that one identifier found tell of two persons; father and son may have one name."""
    if one.name and other.name and not can_be_same_person(one.name, other.name):
        return True
    if one.numbers and other.numbers and not one.numbers & other.numbers:
        return True
    # One register, one phone, two addresses: as likely two people of a household as one person twice.
    apart = one.emails and other.emails and not one.emails & other.emails
    return found_by is IdentifierType.PHONE and one.place == other.place and bool(apart)
