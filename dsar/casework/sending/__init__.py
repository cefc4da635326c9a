"""
A letter -> the outbox -> the mail server, exactly once.

The outbox row with its Message-ID and the hash of its bytes is committed before any server hears of it (P2). One
window is unsafe: after the content was handed over and before the reply was stored nobody knows whether the mail left.
It ends in state "uncertain", is settled by evidence (a copy with that Message-ID in our own mailbox), and otherwise
waits for a person.

    queueing.py       into the outbox, by mail or on paper
    acknowledging.py  the one letter that is queued without approval
    handing_over.py   out of the outbox to the mail server, with what can fail there
    settling.py       a mail that has left closes what it answers; an uncertain one is settled
    recalling.py      what did not leave, or must not, ends with its approval
"""

from dsar.casework.flags import MAIL_FAILED
from dsar.casework.sending.acknowledging import acknowledge
from dsar.casework.sending.handing_over import SIZE_LIMIT, UNCERTAIN, dispatch_mail, give_up
from dsar.casework.sending.queueing import commit_mail, queue_letter, queue_paper
from dsar.casework.sending.recalling import (
    notice_came_back,
    recall_unsent,
    stop_unsent,
    take_letter_back,
    unreachable,
    void_letter,
)
from dsar.casework.sending.settling import (
    CAME_BACK,
    SENT_OUT_OF_TURN,
    decide_uncertain,
    described,
    file_copy,
    reconcile,
    settle_sent,
    uncertain_mails,
)

__all__ = [
    "CAME_BACK",
    "MAIL_FAILED",
    "SENT_OUT_OF_TURN",
    "SIZE_LIMIT",
    "UNCERTAIN",
    "acknowledge",
    "commit_mail",
    "decide_uncertain",
    "described",
    "dispatch_mail",
    "file_copy",
    "give_up",
    "notice_came_back",
    "queue_letter",
    "queue_paper",
    "recall_unsent",
    "reconcile",
    "settle_sent",
    "stop_unsent",
    "take_letter_back",
    "uncertain_mails",
    "unreachable",
    "void_letter",
]
