"""
A member of staff: runs commands of `dsar` one after the other in one process, which may be killed at any of them.

Reads JSON lines [actor, argument, ...] and answers each with a JSON line [exit code, standard output].
"""

import json
import sys

from click.testing import CliRunner

from dsar.cli import main
from faults import clock

if __name__ == "__main__":
    clock.follow()
    settings = sys.argv[1]
    for line in sys.stdin:
        actor, *arguments = json.loads(line)
        runner = CliRunner(env={"DSAR_ACTOR": actor, "COLUMNS": "80"})
        result = runner.invoke(main, ["--settings", settings, *arguments])
        crashed = result.exception is not None and not isinstance(result.exception, SystemExit)
        answer = [-1, repr(result.exception)] if crashed else [result.exit_code, result.stdout]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
