"""
`dsar`, killed at a named step: run as `-m faults.dying`, with the arguments of `dsar`.

DIE_AT has a line for each order, as "search:5:FILE": the name of a step, the moment in it, and a file that whoever dies
takes away; without it nobody does. Moment 0 is the beginning of the step, then come four moments for each of its
transactions (before it begins, begun, before it is committed, committed), the end of the step if it has fewer. It is
found as a debugger finds it; nothing of the program is changed.
"""

import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType

from faults import clock

#: The step of sorting is done in lots.
_FUNCTIONS = {"sort": "_settle"}
#: Where the functions of the steps are.
_FILES = ("dsar/steps.py", "dsar/worker.py")


def _watch(orders: dict[str, tuple[int, Path]]) -> None:
    """Args: orders: {name of a function: moment in it, file}"""
    moment, once = -1, Path()
    passed = -1  # not in a step

    def look(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal passed, moment, once
        if event not in {"call", "return"}:
            return
        code = frame.f_code
        if code.co_name in orders and code.co_filename.endswith(_FILES):
            moment, once = orders[code.co_name]
            passed = 0 if event == "call" else moment
        elif passed >= 0 and code.co_name == "transaction" and code.co_filename.endswith("store/engine.py"):
            passed += 1
        else:
            return
        if passed == moment:
            passed = -1
            try:
                once.unlink()
            except FileNotFoundError:  # another process was it
                return
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)


def prepare() -> None:
    """Die as the environment says, and keep to the clock of the laboratory."""
    if "DIE_AT" in os.environ:
        for module in ("dsar.crew", "dsar.poller", "dsar.worker"):
            import_module(module)  # unwatched: that takes half the time
        told = [line.split(":", 2) for line in os.environ["DIE_AT"].splitlines()]
        _watch({_FUNCTIONS.get(step, f"_{step}"): (int(moment), Path(once)) for step, moment, once in told})
    clock.follow()


if __name__ in {"__main__", "__mp_main__"}:  # the latter in the processes that it starts
    prepare()

if __name__ == "__main__":
    from dsar.cli import main

    main()
