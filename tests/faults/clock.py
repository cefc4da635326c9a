"""
The clock of a process under test: as far from the true one as a file says, from one moment to the next.

What counts seconds only, such as timeouts, goes on as it is: `time.monotonic` is not touched.
"""

import os
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

#: Variable of the environment that names the file, which holds the seconds to add to the true time.
FILE = "FAULTS_CLOCK"
_LOOK_SECONDS = 0.1


def follow() -> None:
    """Keep to the file from now on."""
    path = Path(os.environ[FILE])
    told = path.read_text()
    clock = time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(told)), tick=True).start()

    def look() -> None:
        nonlocal told
        while True:
            time.sleep(_LOOK_SECONDS)
            with suppress(OSError):
                if (says := path.read_text()) != told:
                    told = says
                    clock.move_to(_true() + timedelta(seconds=float(told)))

    threading.Thread(target=look, daemon=True).start()


def _true() -> datetime:
    true: datetime = time_machine.escape_hatch.datetime.datetime.now(UTC)
    return true
