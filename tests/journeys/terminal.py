"""
Somebody at a terminal of 80 by 24, who knows nothing but what the screen says.

The program runs at a fixed time, so that its screens can be kept and compared letter by letter.
"""

import os
import re
import sys
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import pexpect

from .company import Company

#: A Monday on which the mails came half an hour before somebody looks.
MORNING = datetime(2026, 10, 5, 10, 0, tzinfo=ZoneInfo("Europe/Stockholm"))
CAME = datetime(2026, 10, 5, 9, 30, tzinfo=ZoneInfo("Europe/Stockholm"))

_AT_A_TIME = """
import sys
from datetime import datetime
import time_machine
from dsar.cli import main
time_machine.travel(datetime.fromisoformat(sys.argv.pop(1)), tick=True).start()
main()
"""

_SCREENS = Path(__file__).parent / "screens"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

#: A line that tells how far a work is, taken back before anything else is shown.
_PROGRESS = re.compile(r"\r\x1b\[K[^\r\n]*(?=\r\x1b\[K)|\r\x1b\[K")


class Terminal:
    """One command of the program on a terminal; what it shows is read, and answered by what it offers."""

    def __init__(
        self, company: Company, *arguments: str, actor: str = "bo", locale: str = "C.UTF-8", **more: str
    ) -> None:
        """Args: more: further environment variables."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "NO_COLOR"))}
        words = ("--settings", str(company.settings), *arguments)
        self._child = pexpect.spawn(
            sys.executable,
            ["-c", _AT_A_TIME, MORNING.isoformat(), *words],
            env={**kept, "DSAR_ACTOR": actor, "LANG": locale, "TERM": "xterm", "COLUMNS": "80", **more},
            dimensions=(24, 80),
            encoding="utf-8",
            timeout=60,
        )
        self._child.setecho(state=False)
        self.passing = ""  #: What was told of progress, and taken back.
        self.raw = f"$ dsar {' '.join(arguments)}\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.close(force=True)

    @property
    def screen(self) -> str:
        """Everything that was shown and typed so far, without colour."""
        return _COLOUR.sub("", self.raw)

    def answers(self, question: str, typed: str) -> None:
        """Wait until the screen asks *question*, and type the answer."""
        self._child.expect_exact(question)
        self.raw += f"{self._text(self._child.before)}{question}"
        self._child.expect(r"[^\r\n]*: ")
        self.raw += f"{self._text(self._child.after)}{typed}\n"
        self._child.sendline(typed)

    def presses(self, key: str, meaning: str, *, prompt: str = "Key") -> None:
        """Press a key that the screen offers with exactly this meaning."""
        self._child.expect_exact(f"{prompt} [s]: ")
        self.raw += f"{self._text(self._child.before)}{prompt} [s]: {key}\n"
        offered = self.screen.rpartition(f"\n  {key}  ")[2].splitlines()[0]
        assert offered.startswith(meaning), f"{key} means {offered!r}"
        self._child.sendline(key)

    def ends(self) -> str:
        """Wait for the end; everything that was shown."""
        self._child.expect(pexpect.EOF)
        self.raw += self._text(self._child.before)
        self._child.close()
        assert self._child.exitstatus == 0, self.screen
        return self.screen

    def _text(self, shown: object) -> str:
        self.passing += "".join(_PROGRESS.findall(str(shown)))
        return _PROGRESS.sub("", str(shown)).replace("\r\n", "\n")


def is_kept(name: str, screen: str) -> None:
    """
    Compare with the screen that is kept; DSAR_KEEP_SCREENS=1 keeps a new one, for a person to look at.

    Lines are at most 80 characters wide.
    """
    path = _SCREENS / f"{name}.txt"
    if os.environ.get("DSAR_KEEP_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(screen, "utf-8")
    assert screen == path.read_text("utf-8")
    assert [line for line in screen.splitlines() if len(line) > 80] == []
