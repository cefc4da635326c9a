"""
Every benchmark, one after the other -> one table, and benchmarks/RESULTS.md; exit 1 if a promise is missed.

    make bench                          everything, in about a quarter of an hour; the machine should do nothing else
    make bench ARGS="--full"            in the sizes that the promises name, which takes more than an hour
    make bench ARGS="--small"           whether all of it works, with figures that say little
    make bench ARGS="--only pdf,help"   some of it
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from frame import HEAD, Figure, cells, table

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"

_SIZES = {
    "--small": "**Small sizes, which only try whether all works: the figures say little.**",
    "--full": "In the sizes that the promises name.",
}


def names() -> list[str]:
    """What can be measured."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def figures_of(name: str, *, size: Sequence[str]) -> Iterator[Figure]:
    """Run one script. A script that fails before it has said anything is a promise that is missed."""
    script = str(HERE / f"bench_{name}.py")
    done = subprocess.run([sys.executable, script, "--json", *size], stdout=subprocess.PIPE, text=True, check=False)
    found = [Figure(**json.loads(line)) for line in done.stdout.splitlines()]
    yield from found
    if done.returncode and not any(each.missed for each in found):
        yield Figure(what=f"bench_{name}.py", value=done.returncode, unit="as exit code", most=0, detail="it failed")


def machine() -> str:
    """What these figures were measured on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = "/".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} processors ({model[1] if model else platform.machine()}), {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, load {load}"
    )


def commit() -> str:
    """Of the measured program; empty outside a checkout."""
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def report(figures: Sequence[Figure], *, began_on: str, took: float, size: Sequence[str]) -> str:
    """RESULTS.md. Args: took: seconds."""
    missed = [each for each in figures if each.missed]
    rows = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    rows += ["| " + " | ".join(cell.replace("|", "/") for cell in cells(each)) + " |" for each in figures]
    return (
        "# Results of the benchmarks\n\n"
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC at commit {commit() or '?'}: "
        f"{began_on}; it took {took / 60:.0f} minutes. A ratio is to what is named, measured in the same run.\n\n"
        + "".join(f"{_SIZES[each]}\n\n" for each in size)
        + f"{len(missed)} of {len(figures)} promises and figures are missed.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def main() -> None:
    """Run, print, write, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for each in _SIZES:
        parser.add_argument(each, action="append_const", const=each, dest="size", default=[])
    parser.add_argument("--only", default=",".join(names()), help="names, with commas between")
    given = parser.parse_args()
    chosen = given.only.split(",")
    if unknown := set(chosen) - set(names()):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(names())}")
    began_on = machine()
    figures: list[Figure] = []
    began = time.perf_counter()
    for name in chosen:
        print(f"bench_{name}.py ...", end="", file=sys.stderr, flush=True)
        so_far = time.perf_counter()
        figures += figures_of(name, size=given.size)
        print(f" {time.perf_counter() - so_far:.0f} s", file=sys.stderr)
    print("\n".join(table(figures)))
    RESULTS.write_text(report(figures, began_on=began_on, took=time.perf_counter() - began, size=given.size), "utf-8")
    sys.exit(any(each.missed for each in figures))


if __name__ == "__main__":
    main()
