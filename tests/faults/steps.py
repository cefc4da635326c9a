"""
The named steps of the program and the kinds of faults, and which of them a run never came to.

What never happened was not tried, however green the run.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from servers import Fault

from dsar.steps import STEPS

from .door import Wrong
from .shop import Lapse

T = TypeVar("T")

#: Every step, in an order that scenarios shuffle.
NAMES: Final = tuple(STEPS)
#: Servers behind doors; of those that speak TLS a certificate can be expired.
_DOORS: Final = {"imap": True, "smtp": True, "shop": False, "sms": False, "database": False}
#: Faults that count when they are done. What waits for a connection or a request has a name for each way it goes.
_DONE: Final = (
    "worker killed",
    "daemon killed",
    "all killed",
    "command of staff killed",
    "database locked",
    "keys locked",
    "disk full",
    "read-only",
    "PostgreSQL crashed",
    "database lines cut",
    "clock jumped",
    "clock leapt",
    "names unknown",
    "imap lines cut",
    "smtp lines cut",
    "business system locked",
    "business system away",
    "register away",
)


def killed_at(step: str) -> str:
    """Name of the fault."""
    return f"killed at step {step}"


def expected() -> Iterator[str]:
    """Every fault that a whole run should have seen, where there is root and PostgreSQL."""
    yield from map(killed_at, NAMES)
    yield from _DONE
    for door, tls in _DOORS.items():
        yield from (f"{door}: {wrong}" for wrong in get_args(Wrong) if can_go(wrong, door, tls=tls))
    yield from (f"shop: {lapse}" for lapse in get_args(Lapse))
    yield from (f"smtp server: {fault.value}" for fault in sink_faults())


def can_go(wrong: Wrong, door: str, *, tls: bool) -> bool:
    """Whether a connection through this door can go wrong so; PostgreSQL has a patience of its own."""
    return (tls or wrong != "expired") and not (door == "database" and wrong == "outlasted")


def sink_faults() -> list[Fault]:
    """What the mail server does to a mail; most of it passes."""
    return [fault for fault in Fault if fault.value[0] != "5"] + [Fault.NEVER_AT_RCPT]


def never(counted: Counter[str]) -> list[str]:
    """What a run never came to."""
    return [name for name in expected() if not counted[name]]


#: Moments of a step at which to die, those after its first transactions more often; see faults.dying.
_MOMENTS: Final = (0, 1, 2, 3, 3, 4, 4, 5, 6, 7, 7, 8, 8, 9, 11, 12, 15, 16, 99)


class Turns:
    """Each of its kind in its turn, in an order that the dice choose: what is rare comes as often as what is common."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._left: dict[str, list[Any]] = {}

    def take(self, name: str, all_: Iterable[T]) -> T:
        """The next one; *name* says of which kind they are."""
        left = self._left.setdefault(name, [])
        if not left:
            left += all_
            self._dice.shuffle(left)
        taken: T = left.pop()
        return taken


class Orders:
    """Orders to processes to die in the midst of a step: at the first that comes, and each step in its turn."""

    def __init__(self, dice: random.Random, steps: Sequence[str], folder: Path) -> None:
        self._dice, self._folder = dice, folder
        self._left = set(steps)
        self._given: list[tuple[str, Path]] = []
        self._numbers = count()

    def give(self) -> str:
        """
        DIE_AT for a process that is about to begin: each step that nobody has died in yet.

        A step with its moment and a file that whoever dies in it takes away; see faults.dying.
        """
        told = []
        for step in sorted(self._left):
            once = self._folder / f"once-{next(self._numbers)}"
            once.touch()
            self._given.append((step, once))
            told.append(f"{step}:{self._dice.choice(_MOMENTS)}:{once}")
        return "\n".join(told)

    def carried_out(self) -> list[str]:
        """Names of the steps in which somebody has died since the last time."""
        done = [step for step, once in self._given if not once.exists()]
        self._given = [(step, once) for step, once in self._given if once.exists()]
        self._left -= set(done)
        return done

    def withdraw(self) -> None:
        """Nobody dies by the orders given so far."""
        for _, once in self._given:
            once.unlink(missing_ok=True)
        self._given = []
