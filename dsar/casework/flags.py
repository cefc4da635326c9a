"""
What the queue shows about a case besides its state.

Effects: writes the database, in the caller's transaction.
"""

from dsar.store import Transaction
from dsar.store.tables import CaseFile


def flag(tx: Transaction, case: CaseFile, *names: str) -> None:
    """Show something about a case in the queue, each once."""
    new = dict.fromkeys(name for name in names if name not in case.flags)
    if new:
        case.flags = [*case.flags, *new]
        tx.add_case(case)
