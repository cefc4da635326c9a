"""
What is shown about a case in the queue because of its later mails.

Effects: reads and writes the database.
"""

from dsar.model import Disposition, Triage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Message

#: Flag and reason of a case that got another mail.
FOLLOW_UP = "follow_up"

#: Flag and reason of a case about which somebody unknown has written.
STRANGER = "follow_up_unknown_sender"

#: Flag of a case whose requester wrote that they take it back: nothing is approved until a person has decided.
WITHDRAWN = "withdrawn"

#: Flags of a follow-up that staff must see on the case.
_TELLING = frozenset({WITHDRAWN, "complaint", "threat", "protected_identity", "breach"})

#: Flag of a case that somebody reminds us of: it comes before others that are due on the same day.
REMINDER = "reminder"


def telling(triage: Triage) -> tuple[str, ...]:
    """Flags of a later mail that staff must see on its case."""
    return tuple(flag for flag in triage.flags if flag in _TELLING)


def add_flags(tx: Transaction, case: CaseFile, flags: tuple[str, ...]) -> None:
    """Show something about a case in the queue."""
    case.flags = [*case.flags, *(flag for flag in flags if flag not in case.flags)]
    tx.add_case(case)


def file_message(message: Message | None, disposition: Disposition) -> None:
    if message is not None:
        message.disposition = disposition
        message.status = "sorted"
