"""
The faults, as a table: how often, where they can happen, and what is done.

An act does its harm at once and puts what mends it later into `lab.mend_in`. Faults that wait for a connection or a
request count when they hit; the others when they are done.
"""

import os
import random
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, get_args

from .door import Trouble, Wrong
from .place import OUTLASTING, ROOT
from .shop import Lapse
from .steps import can_go, sink_faults

if TYPE_CHECKING:
    from .laboratory import Laboratory

Act = Callable[["Laboratory", random.Random], bool]

#: Bytes after which a connection goes wrong: in the greeting, in the log-in, among the commands, in the midst of mails.
_REACH: Final = (0, 40, 200, 500, 900, 2000, 6000, 20_000)


def _trouble(name: str, lab: "Laboratory", dice: random.Random) -> Trouble:
    tls = lab.place.look.tls and name in {"imap", "smtp"}
    wrong: Wrong = lab.turns.take(name, (wrong for wrong in get_args(Wrong) if can_go(wrong, name, tls=tls)))
    seconds = {"stalled": dice.uniform(0.5, 3), "outlasted": OUTLASTING, "late": dice.uniform(0.3, 3)}.get(wrong, 0.0)
    reach = dice.choice(_REACH)
    after = dice.randint(reach // 2, reach)
    return Trouble(wrong=wrong, direction=dice.choice(("up", "down")), after=after, seconds=seconds)


def _door(name: str) -> Act:
    def act(lab: "Laboratory", dice: random.Random) -> bool:
        door = lab.place.doors[name]
        if len(door.troubles) < (6 if name == "sms" else 2):
            door.troubles.append(_trouble(name, lab, dice))
        return False

    return act


def _cut_all(name: str) -> Act:
    return lambda lab, _dice: lab.place.doors[name].cut_all() > 0


def _sink(lab: "Laboratory", _dice: random.Random) -> bool:
    if not lab.place.smtp.faults:
        lab.sink_fault(lab.turns.take("smtp server", sink_faults()))
    return False


def _lapse(lab: "Laboratory", _dice: random.Random) -> bool:
    if len(lab.place.shop.lapses) < 5:
        lab.place.shop.lapses.append(lab.turns.take("shop server", get_args(Lapse)))
    return False


def _worker(lab: "Laboratory", dice: random.Random) -> bool:
    return lab.kill_child(dice)


def _daemon(lab: "Laboratory", _dice: random.Random) -> bool:
    return lab.kill_daemon(everybody=False)


def _everybody(lab: "Laboratory", _dice: random.Random) -> bool:
    return lab.kill_daemon(everybody=True)


def _clerk(lab: "Laboratory", _dice: random.Random) -> bool:
    return lab.clerk.kill()


def _lock(path: str, longest: float) -> Act:
    """Another writer holds a SQLite file."""

    def act(lab: "Laboratory", dice: random.Random) -> bool:
        with suppress(sqlite3.Error):
            other = sqlite3.connect(lab.place.folder / path, timeout=1, isolation_level=None, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
            lab.mend_in(dice.uniform(0.3, longest), other.close)
            return True
        return False

    return act


def _full(lab: "Laboratory", dice: random.Random) -> bool:
    """Whatever the program may still write goes to something else, all but a few pages."""
    ballast = lab.place.folder / "ballast"
    room = os.statvfs(lab.place.folder)
    left = dice.choice((0, 0, 1, 3, 8)) * room.f_frsize
    with suppress(OSError), ballast.open("ab") as file:
        file.write(b"x" * max(0, room.f_bavail * room.f_frsize - left))
    lab.mend_in(dice.uniform(0.5, 4), lambda: ballast.unlink(missing_ok=True))
    return True


def _read_only(lab: "Laboratory", dice: random.Random) -> bool:
    """A file system can only become so while nobody writes to it."""
    lab.kill_daemon(everybody=True)
    lab.clerk.kill()
    mount = ["mount", "-o", "remount,{}", str(lab.place.folder)]
    if subprocess.run([part.format("ro") for part in mount], check=False, stderr=subprocess.DEVNULL).returncode:
        return False
    lab.mend_in(dice.uniform(1, 4), lambda: subprocess.run([part.format("rw") for part in mount], check=True))
    return True


def _away(path: str) -> Act:
    """A file of a connected system is gone for a while."""

    def act(lab: "Laboratory", dice: random.Random) -> bool:
        file = lab.place.data / path
        other = file.with_suffix(".away")
        if not file.exists():
            return False
        file.rename(other)
        lab.mend_in(dice.uniform(0.3, 3), lambda: other.rename(file))
        return True

    return act


def _crash(lab: "Laboratory", _dice: random.Random) -> bool:
    assert lab.postgresql
    lab.postgresql.crash()
    return True


def _names(lab: "Laboratory", dice: random.Random) -> bool:
    lab.place.know_hosts(known=False)
    lab.mend_in(dice.uniform(0.5, 3), lambda: lab.place.know_hosts(known=True))
    return True


def _clock(lab: "Laboratory", dice: random.Random) -> bool:
    hours = dice.choice((-3.0, -1.0, -0.05, 0.02, 0.2, 1.0, 2.0))
    lab.jump(timedelta(hours=hours))
    return True


def _leap(lab: "Laboratory", dice: random.Random) -> bool:
    if lab.place.leapt:
        return False
    lab.leap(dice.uniform(2, 7))
    return True


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault."""

    weight: int  #: How often, of all that can happen where it can.
    act: Act  #: True: it hit; what waits to be hit tells so itself.
    possible: Callable[["Laboratory"], bool] = lambda _lab: True


KINDS: Final[dict[str, Kind]] = {
    "worker killed": Kind(weight=4, act=_worker),
    "daemon killed": Kind(weight=1, act=_daemon),
    "all killed": Kind(weight=1, act=_everybody),
    "command of staff killed": Kind(weight=2, act=_clerk),
    "database locked": Kind(weight=2, act=_lock("dsar.db", 6), possible=lambda lab: not lab.postgresql),
    "keys locked": Kind(weight=1, act=_lock("dsar-keys.db", 3), possible=lambda lab: not lab.postgresql),
    "disk full": Kind(weight=2, act=_full, possible=lambda _lab: ROOT),
    "read-only": Kind(weight=3, act=_read_only, possible=lambda lab: ROOT and not lab.postgresql),
    "PostgreSQL crashed": Kind(weight=3, act=_crash, possible=lambda lab: bool(lab.postgresql)),
    "database line": Kind(weight=8, act=_door("database"), possible=lambda lab: bool(lab.postgresql)),
    "database lines cut": Kind(weight=3, act=_cut_all("database"), possible=lambda lab: bool(lab.postgresql)),
    "clock jumped": Kind(weight=2, act=_clock),
    "clock leapt": Kind(weight=1, act=_leap),
    "names unknown": Kind(weight=1, act=_names, possible=lambda _lab: ROOT),
    "imap line": Kind(weight=12, act=_door("imap")),
    "imap lines cut": Kind(weight=4, act=_cut_all("imap")),
    "smtp lines cut": Kind(weight=2, act=_cut_all("smtp")),
    "sms line": Kind(weight=5, act=_door("sms")),
    "smtp line": Kind(weight=12, act=_door("smtp")),
    "smtp server": Kind(weight=12, act=_sink),
    "shop line": Kind(weight=10, act=_door("shop")),
    "shop": Kind(weight=20, act=_lapse),
    "business system locked": Kind(weight=2, act=_lock("data/business.db", 3)),
    "business system away": Kind(weight=1, act=_away("business.db")),
    "register away": Kind(weight=1, act=_away("visits/visits.csv")),
}
