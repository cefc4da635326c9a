"""
A company to which faults happen one after the other; then everything is mended, goes on to its end, and is judged.

Effects: starts and kills processes of its own; prints nothing.
"""

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

from databases import Server
from servers import Fault

from . import reader
from .kinds import KINDS
from .place import Place
from .promises import Seen, broken
from .staff import Clerk, walk
from .steps import Orders, Turns, killed_at

_PROGRAM = ("-m", "faults.dying")

#: Seconds from one fault to the next.
_PACE: Final = (0.1, 0.8)
#: So many for each fault at most.
_HARM_SECONDS: Final = 6
#: So long may nothing at all change until it counts as standing still; and so long may the way to the end take. How
#: fast the machine is decides about neither.
_STILL_SECONDS: Final = 300
_SETTLE_SECONDS: Final = 1800
#: So long harm that kills at random spares a daemon that shall die at a step: once it runs, and until then.
_SPARED_SECONDS: Final = 10
_STARTS_SECONDS: Final = 60
#: How much of the harm waits until a program that is only starting runs: on a slow machine nothing else would be hit.
_SPARED_STARTS: Final = 0.9
#: How far the clock goes on at most from one day with something to do to the next, and after how many seconds.
_STRIDE: Final = timedelta(days=3)
_DAY_SECONDS: Final = 4
#: So many steps at most may still wait for their first try when it does.
_BACKLOG: Final = 3
#: So long a door holds back bytes at most.
_ON_ITS_WAY_SECONDS: Final = 10
#: How long a server takes at most to store what it was given.
_STORED_SECONDS: Final = 1.0
#: A clock that leaps, leaps so far.
_LEAP: Final = timedelta(days=150)
#: States in which it is the program's turn.
_MOVING: Final = {"received", "searching", "approved", "applying", "dispatching"}
#: How far the clock is put forward again and again until nothing waits for another try.
_HURRY: Final = timedelta(minutes=65)


class Laboratory:
    """A company to which things happen."""

    def __init__(
        self,
        place: Place,
        dice: random.Random,
        *,
        postgresql: Server | None,
        steps: Sequence[str],
        faults: Counter[str],
        days: int = 0,
    ) -> None:
        """Args: days: how far the clock goes on after the first."""
        self.place = place
        self.postgresql: Server | None = postgresql
        self.faults = faults
        self.broken: list[str] = []
        self.anchors: list[tuple[int, str]] = []
        self.clerk = Clerk(place, unforeseen=self._unforeseen)
        self.turns = Turns(dice)
        self._dice = dice
        self._orders = Orders(dice, steps, place.folder.parent)
        self._horizon = place.now() + timedelta(days=days)
        self._spared_until = self._day_began = 0.0
        self._log, self._begun_at = place.folder.parent / "log", 0
        self._mends: list[tuple[float, Callable[[], object]]] = []
        self._given: list[Fault] = []
        self._daemon: subprocess.Popen[bytes] | None = None
        self._ends = threading.Event()
        self._healed, self._deadly = False, False
        self._walks = 0
        self._cases: dict[str, str] = {}

    def _unforeseen(self, words: str) -> None:
        self.broken.append(f"a command ended in an error that no command may show: {words}")

    # ----------------------------------------------------------------------------------------------- what acts use

    def hit(self, name: str) -> None:
        self.faults[name] += 1

    def mend_in(self, seconds: float, mend: Callable[[], object]) -> None:
        self._mends.append((time.monotonic() + seconds, mend))

    def sink_fault(self, fault: Fault) -> None:
        self._given.append(fault)
        self.place.smtp.faults.append(fault)

    def jump(self, by: timedelta) -> None:
        """The clock goes on, past no bytes that are on their way: in a minute nothing is late that takes seconds."""
        self._await_bytes()
        self.place.shift(self.place.offset_now + by)

    def _await_bytes(self) -> None:
        deadline = time.monotonic() + _ON_ITS_WAY_SECONDS
        while any(door.is_holding(_STORED_SECONDS) for door in self.place.doors.values()):
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)

    def leap(self, seconds: float) -> None:
        """The clock shows a day months ahead, for so long, but no bytes that are on their way now."""
        self._await_bytes()
        self.place.leap(_LEAP)
        self.mend_in(seconds, lambda: self.place.leap(timedelta()))

    def kill_child(self, dice: random.Random) -> bool:
        """A process that the daemon has started: a worker, or one of those that read mails."""
        children = _children(self._daemon.pid) if self._daemon else []
        if not children or self._is_spared():
            return False
        with suppress(ProcessLookupError):
            os.kill(dice.choice(children), signal.SIGKILL)
        return True

    def kill_daemon(self, *, everybody: bool) -> bool:
        if not self._healed and self._is_spared():
            return False
        daemon, self._daemon = self._daemon, None
        if daemon is None or daemon.poll() is not None:
            return False
        if everybody:
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.kill()
        daemon.wait()
        return True

    # ------------------------------------------------------------------------------------------------ the scenario

    def keep_running(self) -> None:
        """Start the daemon if it does not run; while faults happen, so that it dies at a step."""
        self._count_deaths()
        if self._daemon is not None and self._daemon.poll() is None:
            return
        place = self.place
        arguments = ("--settings", str(place.settings), "run", "--interval", "2", "--workers", str(place.look.workers))
        die_at = self._order()
        if die_at:
            self._spared_until = time.monotonic() + _STARTS_SECONDS
        with self._log.open("ab") as file:
            self._begun_at = file.tell()
            self._daemon = place.start(*_PROGRAM, *arguments, die_at=die_at, stdout=file, stderr=file)

    def _is_spared(self) -> bool:
        """Whether the daemon is left alone: most harm would hit a program that is only starting."""
        left = self._spared_until - time.monotonic()
        if left > _SPARED_SECONDS and not self._is_starting():
            self._spared_until = time.monotonic() + _SPARED_SECONDS
        return left > 0

    def _is_starting(self) -> bool:
        with self._log.open("rb") as file:
            file.seek(self._begun_at)
            return b'"running"' not in file.read()

    def _order(self) -> str:
        """For a process that begins: at what steps to die, until the last day has come; some are left to other harm."""
        is_over = not self._deadly or (self._healed and self.place.now() > self._horizon)
        is_left = not self._healed and self._dice.random() < 0.2
        return "" if is_over or is_left else self._orders.give()

    def _count_deaths(self) -> None:
        for step in self._orders.carried_out():
            self._spared_until = 0.0
            self.hit(killed_at(step))

    def play(self, faults: int) -> None:
        """Let *faults* of them happen while mail comes in and staff work; then mend everything and go on to the end."""
        self._deadly = True
        with self._staff_at_work():
            self._harm(faults)
            self._heal()
            self._settle(run=self.keep_running)
        self._settle(run=self.keep_running, staffed=False)  # what staff did last

    def finish(self) -> None:
        """Go on to the end without harm and without a daemon of the laboratory's own."""
        self._healed = True
        with self._staff_at_work():
            self._settle(run=lambda: None)

    def judged(self) -> list[str]:
        """Everything that is broken."""
        return self.broken + broken(self.place, self.anchors)

    @contextmanager
    def _staff_at_work(self) -> Iterator[None]:
        self._ends.clear()
        staff = threading.Thread(target=self._work, daemon=True)
        staff.start()
        try:
            yield
        finally:
            self._ends.set()
            staff.join(_STILL_SECONDS)

    def _harm(self, faults: int) -> None:
        coming = [person for person in self.place.people if person.wish != "silent"]
        every = max(1, faults // (2 * len(coming)))
        kinds = {name: kind for name, kind in KINDS.items() if kind.possible(self)}
        number = 0
        deadline = time.monotonic() + _HARM_SECONDS * faults
        while sum(self.faults.values()) < faults and time.monotonic() < deadline:
            if not coming:
                self._pass_day()
            elif number % every == 0 and not self.place.leapt:
                self.place.deliver_from(coming.pop())
            number += 1
            self.keep_running()
            if self._is_starting() and self._dice.random() < _SPARED_STARTS:
                self._mend(late=False)
                time.sleep(_PACE[1])
                continue
            (name,) = self._dice.choices(list(kinds), [kind.weight for kind in kinds.values()])
            with suppress(OSError):  # another harm stands in its way, such as a file system that is read-only
                if kinds[name].act(self, self._dice):
                    self.hit(name)
            self._mend(late=False)
            self._note_anchor()
            time.sleep(self._dice.uniform(*_PACE))
        self.place.leap(timedelta())
        for person in coming:
            self.place.deliver_from(person)

    def _pass_day(self) -> None:
        """Let the clock go on to the next day with something to do, or towards it, when this one has had its time."""
        now = self.place.now()
        if self.place.leapt or time.monotonic() < self._day_began + _DAY_SECONDS:
            return
        with suppress(Exception):  # it looks in the midst of the harm
            dues = [row["due_at"] for row in self._rows("SELECT due_at FROM work WHERE attempts = 0")]
            if sum(due <= now for due in dues) > _BACKLOG:  # type: ignore[operator]  # moments
                return  # days pass no faster than the program works
            coming = [due for due in dues if now < due <= self._horizon]  # type: ignore[operator]  # moments
            (worked,) = self._rows("SELECT at FROM health_mark WHERE name = 'clock'")
            if coming and now - worked["at"] < _STRIDE:  # type: ignore[operator]  # else it would count as a leap
                self._day_began = time.monotonic()
                self.jump(min(min(coming) - now + timedelta(minutes=1), _STRIDE))  # type: ignore[operator,type-var]  # moments

    def _mend(self, *, late: bool) -> None:
        """Undo the harm whose time is over; what another harm stands in the way of is tried again."""
        while True:
            left = []
            for at, mend in self._mends:
                if not late and at > time.monotonic():
                    left.append((at, mend))
                    continue
                try:
                    mend()
                except OSError:
                    left.append((at, mend))
            self._mends = left
            if not (late and left):
                return

    def _heal(self) -> None:
        """
        Everything works again but the gateway for SMS: few are sent, and those late.

        Whoever runs is killed, for it may have begun without an order to die.
        """
        self._count_deaths()
        for name, door in self.place.doors.items():
            if name != "sms":
                door.heal()
        for fault in self._given[: len(self._given) - len(self.place.smtp.faults)]:
            self.hit(f"smtp server: {fault.value}")
        self.place.smtp.faults.clear()
        self.place.shop.lapses.clear()
        self._mend(late=True)
        self._healed = True
        if self.kill_daemon(everybody=True):
            self.hit("all killed")

    def _settle(self, *, run: Callable[[], None], staffed: bool = True) -> None:
        """Go on until nothing is due but what waits for another day, and staff have nothing to do either."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        busy, stood, changed = ["it has not begun"], (-1, -1), time.monotonic()
        while busy and time.monotonic() < min(deadline, changed + _STILL_SECONDS):
            run()
            time.sleep(1)
            busy = self._busy()
            if (stands := self._stands()) != stood:
                stood, changed = stands, time.monotonic()
            if busy and self._retries():
                self.jump(_HURRY)
            if not busy and staffed:
                self._day_began = 0.0
                before = self.place.offset_now
                self._pass_day()
                busy = ["another day"] if self.place.offset_now != before else self._staff_busy()
                if self._deadly and not busy:
                    busy, self._deadly = ["to the end unharmed"], False
                    self.place.doors["sms"].heal()
                    self._count_deaths()
                    self._orders.withdraw()
        if busy:
            self.broken.append(f"P11: it stands still, and is not done: {busy}")

    def _stands(self) -> tuple[int, int]:
        """What goes up for as long as anything goes on: events of the program, and deaths at steps."""
        (row,) = self._rows("SELECT count(*) AS many FROM event")
        return int(str(row["many"])), self.faults.total()

    def _staff_busy(self) -> list[str]:
        """Whether staff still find something to do in two walks through the queue."""
        walks, done = self._walks, len(self.clerk.commands)
        deadline = time.monotonic() + _STILL_SECONDS
        while self._walks < walks + 2 and time.monotonic() < deadline:
            time.sleep(0.2)
        return self._busy() or (["staff"] if len(self.clerk.commands) > done else [])

    def _rows(self, statement: str) -> list[dict[str, object]]:
        return reader.rows(self.place.folder, self.place.databases.url, statement)

    def _busy(self) -> list[str]:
        """Why it is not done yet."""
        inbox = self.place.dovecot.count(self.place.user)
        due = [row for row in self._rows("SELECT * FROM work") if self._counts(row)]
        works = [f"{row['step']} {row['subject_id']}: {row['last_error']}" for row in due]
        unsealed = self._rows("SELECT (SELECT count(*) FROM event) - (SELECT count(*) FROM seal) AS many")[0]["many"]
        moving = [row for row in self._rows("SELECT id, state FROM request") if row["state"] in _MOVING]
        sending = self._rows("SELECT id FROM outbox WHERE state IN ('sending', 'ready')")
        return [
            *works,
            *([f"{inbox} in the inbox"] if inbox else []),
            *([f"{unsealed} unsealed"] if unsealed else []),
            *[f"request {row['id']} {row['state']}" for row in moving],
            *[f"outbox {row['id']}" for row in sending],
        ]

    def _counts(self, row: dict[str, object]) -> bool:
        """Whether a step is one of now: tried before, or due; all else waits for its day."""
        if (row["step"], row["last_error"]) == ("release_erasure", "StillWaitingError"):
            return False  # it looks once an hour whether the days have passed
        if row["step"] == "sort":
            return True  # it waits for no day: where it lies ahead, a clock that was ahead put it there
        return bool(row["attempts"] or row["worker"] or row["due_at"] <= self.place.now())  # type: ignore[operator]  # a moment

    def _retries(self) -> bool:
        works = self._rows("SELECT * FROM work")
        return bool(works) and not any(row["worker"] or row["due_at"] <= self.place.now() for row in works)  # type: ignore[operator]  # a moment

    def _note_anchor(self) -> None:
        with suppress(Exception):  # it looks in the midst of the harm
            found = self._rows("SELECT position, digest FROM seal ORDER BY position DESC LIMIT 1")
            self.anchors += [(int(str(row["position"])), str(row["digest"])) for row in found]

    # ------------------------------------------------------------------------------------------------------- staff

    def _work(self) -> None:
        while not self._ends.wait(2.0):
            walk(self.clerk, self.place, whose=self._whose, uncertain=self._uncertain, healed=self._healed)
            self._walks += 1

    def _whose(self, case: str) -> str:
        """Number of the person of a case."""
        if case not in self._cases:
            with suppress(Exception):
                ids = {row["id"]: str(row["reference"]) for row in self._rows("SELECT id, reference FROM case_file")}
                self._cases |= {ids[each]: person.number for each, person in Seen(self.place).person_of_case().items()}
        return self._cases.get(case, "")

    def _uncertain(self, case: str) -> dict[int, bool]:
        uncertain = self._rows(
            "SELECT outbox.id, message_id FROM outbox JOIN case_file ON case_file.id = outbox.case_id"  # noqa: S608  # a reference is ours
            f" WHERE outbox.state = 'uncertain' AND case_file.reference = '{case}'"
        )
        taken = reader.ids(self.place.smtp.taken)
        return {int(str(row["id"])): taken[str(row["message_id"])] > 0 for row in uncertain}

    def closed(self) -> int:
        """How many requests were brought to their end."""
        return len(self._rows("SELECT id FROM request WHERE state = 'closed'"))

    def close(self) -> None:
        self._healed = True  # nobody is spared
        self._ends.set()
        self._mend(late=True)
        self.clerk.close()
        self.kill_daemon(everybody=True)


def _children(process: int) -> list[int]:
    with suppress(OSError):
        told = Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(number) for number in told.split()]
    return []
