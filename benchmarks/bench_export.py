"""
Our PDF of a long table against typst and WeasyPrint on the same rows: time, memory, growth; exit 1 above a limit.

Each document is made in a process of its own. Times are processor time, so that a busy machine changes little. An
engine that is not installed is left out (`pip install --group bench`).
"""

import argparse
import importlib.util
import resource
import subprocess
import sys
from collections.abc import Iterator

from frame import Figure, absent, run

#: Of the time that typst takes, of that of WeasyPrint, and of ten thousand rows when there are ten times as many.
TYPST, WEASYPRINT, GROWTH = 1.2, 0.1, 11.0
#: MB that a document of ten thousand rows may take.
MEMORY = 150

_ROWS = """
rows = [(f"rad {i}", "2026-03-02", f"Värde nummer {i} som är lagom långt", "lång text " * (i %% 20)) for i in range(%d)]
head = ("Nummer", "Datum", "Innehåll", "Anmärkning")
"""
_ENGINES = {
    "dsar": """
from datetime import UTC, datetime
from dsar.pdf import render
lines = [head, ("---",) * 4, *rows]
table = "".join("| " + " | ".join(line) + " |\\n" for line in lines)
render(table, title="Svar", language="sv", footer="Svar", created_at=datetime(2026, 3, 2, tzinfo=UTC))
""",
    "typst": """
import json, pathlib, tempfile, typst
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "rows.json").write_text(json.dumps(rows))
(folder / "main.typ").write_text('#set page(paper: "a4", footer: context counter(page).display("1 / 1", both: true))\\n'
    '#set text(size: 8.5pt, lang: "sv")\\n#table(columns: (auto, auto, 1fr, 2fr), '
    'table.header[Nummer][Datum][Innehåll][Anmärkning], ..json("rows.json").flatten())')
typst.compile(str(folder / "main.typ"))
""",
    "weasyprint": """
from weasyprint import HTML
cells = lambda row, kind: "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in row) + "</tr>"
style = "<style>@page{size:A4} body{font:8.5pt 'DejaVu Sans'} td{border-bottom:1px solid}</style>"
body = "".join(cells(row, "td") for row in rows)
HTML(string=f"{style}<table><thead>{cells(head, 'th')}</thead><tbody>{body}</tbody></table>").write_pdf(
    pdf_tags=True)
""",
}
_MEASURE = """
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss)
"""


def cost(engine: str, rows: int) -> tuple[float, float]:
    """Processor seconds and MB that *engine* takes for a table of *rows*, its imports included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    script = _ROWS % rows + _ENGINES[engine] + _MEASURE
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, int(done.stdout.split()[-1]) / 1024


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    rows = given.rows
    ours, memory = min(cost("dsar", rows) for _ in range(2))
    more, _memory = cost("dsar", 10 * rows)
    yield Figure(what=f"PDF of {rows:,} rows: memory", value=memory, unit="MB", most=MEMORY, detail=f"{ours:.1f} s")
    yield Figure(
        what=f"PDF of {10 * rows:,} rows: time",
        value=more / ours,
        unit="times",
        most=GROWTH,
        against=f"{rows:,} rows",
        detail=f"{ours:.1f} s, {more:.1f} s",
    )
    for engine, limit, rounds in (("typst", TYPST, 2), ("weasyprint", WEASYPRINT, 1)):
        if importlib.util.find_spec(engine) is None:
            yield absent(f"PDF of {rows:,} rows: time", engine)
            continue
        theirs, their_memory = min(cost(engine, rows) for _ in range(rounds))
        yield Figure(
            what=f"PDF of {rows:,} rows: time",
            value=ours / theirs,
            unit="times",
            most=limit,
            against=engine,
            detail=f"{ours:.1f} s, {engine} {theirs:.1f} s, {their_memory:.0f} MB",
        )


if __name__ == "__main__":
    run(__doc__, measure, full={"rows": 10_000}, small={"rows": 300})
