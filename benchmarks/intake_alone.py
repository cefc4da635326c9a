"""
The process that bench_intake.py and bench_growth.py measure: `intake_alone.py intake|whole|big|cost SETTINGS`.

It imports what `dsar run` does and nothing of the measuring, which would take 30 MB beside it. Prints how many mails it
stored, the seconds, and its peak memory in MB, of a big mail what that added; for cost, seconds of processors and MB.
"""

import sys
import time
from pathlib import Path

from frame import peak_mb, telling_cost

import dsar.cli.running  # noqa: F401  # its memory counts, too
from dsar import poller, worker
from dsar.steps import Tools
from dsar.wiring import open_session


def main(what: str, settings: Path) -> None:
    """Take in what lies in the mailbox; as the whole way, sort it, too."""
    with open_session(settings) as session, session.inboxes["privacy"]() as inbox:
        if what == "cost":
            with telling_cost():
                poller.poll(session.app, "privacy", inbox)
            return
        before = peak_mb()
        began = time.perf_counter()
        found = poller.poll(session.app, "privacy", inbox)
        if what == "whole":
            _sort_all(session.tools)
        seconds = time.perf_counter() - began
    after = peak_mb()
    print(found.stored, seconds, after - before if what == "big" else after, flush=True)


def _sort_all(tools: Tools) -> None:
    """Read and triage every mail, to its row and the rows of its cases; what follows from that waits."""
    while worker.sort_due(tools):
        pass
    with tools.app.store.transaction() as tx:
        assert tx.message_counts().get("new", 0) == 0


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
