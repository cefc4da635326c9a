"""One scenario: a seed -> a company, what happens to it, and what came of that."""

import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from databases import Server
from servers import DovecotServer, TlsFiles

from .laboratory import Laboratory
from .place import EPOCHS, Look, open_place
from .steps import NAMES

#: In so many all that waits for a day has come to its turn; what is no request is purged last.
_DAYS: Final = 32


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What all scenarios share."""

    dovecot: DovecotServer
    tls: TlsFiles
    postgresql: Server | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of one scenario."""

    seed: int
    look: Look
    faults: Counter[str]
    broken: list[str]
    closed: int  #: Requests brought to their end.
    seconds: float


def look_of(dice: random.Random, *, kind: str = "") -> Look:
    """What a scenario is played in, as the dice fall."""
    epoch = dice.choice(("today", "today", "today", *list(EPOCHS)[1:]))
    return Look(
        database=kind or dice.choice(("sqlite", "postgresql")),
        tls=dice.random() < 0.6,
        epoch=epoch,
        workers=dice.choice((1, 2, 3)),
        people=dice.choice((13, 14, 16)),
    )


def play(servers: Servers, seed: int, folder: Path, *, faults: int, kind: str = "", days: int = _DAYS) -> Report:
    """One scenario from its seed."""
    dice = random.Random(seed)
    look = look_of(dice, kind=kind)
    steps = list(NAMES)
    dice.shuffle(steps)
    began = time.monotonic()
    postgresql = servers.postgresql if look.database == "postgresql" else None
    counted: Counter[str] = Counter()
    own = folder / f"{seed}"
    own.mkdir()
    with open_place(
        own,
        servers.dovecot,
        servers.tls,
        look=look,
        dice=dice,
        postgresql=postgresql,
        hit=lambda name: counted.update([name]),
    ) as place:
        lab = Laboratory(place, dice, postgresql=postgresql, steps=steps, faults=counted, days=days)
        try:
            lab.play(faults)
            lab.kill_daemon(everybody=True)
            lab.broken = lab.judged()
            closed = lab.closed()
        finally:
            lab.close()
        if lab.broken:
            shutil.copytree(place.folder, own / "kept")
    return Report(
        seed=seed, look=look, faults=counted, broken=lab.broken, closed=closed, seconds=time.monotonic() - began
    )
