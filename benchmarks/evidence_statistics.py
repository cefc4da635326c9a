"""
A year of 5,000 cases lived through by the program's own transitions, its figures recounted from the audit trail.

By hand, some minutes: tests/test_figures.py does the same with fewer cases. Exit 1 if any figure differs.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from office import open_office
from test_figures import differences_of_a_year

CASES = 5000

if __name__ == "__main__":
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dsar-") as folder, open_office(Path(folder)) as office:
        found = list(differences_of_a_year(office, cases=CASES))
        with office.app.store.transaction(read_only=True) as tx:
            report = tx.verify_chain()
    print(f"{CASES} cases, {report.unsealed} events, {time.monotonic() - began:.0f} s; differences: {found or 'none'}")
    sys.exit(bool(found))
