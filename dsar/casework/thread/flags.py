"""
What is shown about a case in the queue because of its later mails.

Effects: writes into the row of a mail.
"""

from dsar.casework.flags import WITHDRAWN
from dsar.model import Disposition, Triage
from dsar.store.tables import Message

#: Flags of a follow-up that staff must see on the case.
_TELLING = frozenset({WITHDRAWN, "complaint", "threat", "protected_identity", "breach"})


def telling(triage: Triage) -> tuple[str, ...]:
    """Flags of a later mail that staff must see on its case."""
    return tuple(flag for flag in triage.flags if flag in _TELLING)


def file_message(message: Message | None, disposition: Disposition) -> None:
    if message is not None:
        message.disposition = disposition
        message.status = "sorted"
