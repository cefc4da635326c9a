"""
`dsar`, killed at a named step: run as `-m faults.dying`, with the arguments of `dsar`.

DIE_AT names the step and the moment in it, as "search:5": 0 is its beginning, then four moments for each transaction
of the step (before it begins, begun, before it is committed, committed), the end of the step if it has fewer. DIE_ONCE
is a file that whoever dies takes away; without it nobody does. The moment is found as a debugger does; nothing of the
program is changed.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from faults import clock

#: The step of sorting is done in lots.
_FUNCTIONS = {"sort": "_settle"}


def _watch(step: str, moment: int, once: Path) -> None:
    wanted = _FUNCTIONS.get(step, f"_{step}")
    passed = -1  # not in the step

    def look(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal passed
        code = frame.f_code
        if event not in {"call", "return"}:
            return
        if code.co_name == wanted and code.co_filename.endswith("dsar/worker.py"):
            passed = 0 if event == "call" else moment
        elif passed >= 0 and code.co_name == "transaction" and code.co_filename.endswith("store/engine.py"):
            passed += 1
        else:
            return
        if passed == moment:
            try:
                once.unlink()
            except FileNotFoundError:
                sys.setprofile(None)  # another process was it
                return
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


# in the processes that it starts, too, for which this module is "__mp_main__"
if "DIE_AT" in os.environ:
    _step, _, _moment = os.environ["DIE_AT"].partition(":")
    _watch(_step, int(_moment), Path(os.environ["DIE_ONCE"]))
clock.follow()

if __name__ == "__main__":
    from dsar.cli import main

    main()
