"""
What is shown about a case in the queue because of its later mails.

Effects: writes into the row of a mail.
"""

from dsar.model import Disposition, Triage
from dsar.store.tables import Message

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


def file_message(message: Message | None, disposition: Disposition) -> None:
    if message is not None:
        message.disposition = disposition
        message.status = "sorted"
