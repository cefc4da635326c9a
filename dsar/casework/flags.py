"""
What the queue shows about a case besides its state.

Effects: writes the database, in the caller's transaction.
"""

from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Flag and reason of a case that got another mail.
FOLLOW_UP = "follow_up"

#: Flag and reason of a case about which somebody unknown has written.
STRANGER = "follow_up_unknown_sender"

#: Flag of a case whose requester wrote that they take it back: nothing is approved until a person has decided.
WITHDRAWN = "withdrawn"

#: Flag of a case that somebody reminds us of: it comes before others that are due on the same day.
REMINDER = "reminder"

#: Flag of a case of which a mail did not arrive.
MAIL_FAILED = "mail_failed"


def flag(tx: Transaction, case: CaseFile, *names: str) -> None:
    """Show something about a case in the queue, each once."""
    new = dict.fromkeys(name for name in names if name not in case.flags)
    if new:
        case.flags = [*case.flags, *new]
        tx.add_case(case)
