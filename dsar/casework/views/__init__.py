"""
What staff see: the queue, and one case from every side. Looking at personal data is recorded in the audit trail.

    references.py  CASE, CASE/RIGHT and M-17 -> what they name
    looking.py     one case: head, mails, timeline, clock

The queue is casework/waiting.py, which loads far less than looking at a mail takes.
"""

from dsar.casework.views.looking import (
    CaseView,
    ThreadMail,
    TimelineEntry,
    caseless_mail,
    clock,
    head,
    thread,
    timeline,
)
from dsar.casework.views.references import find_case, find_message, find_request
from dsar.casework.waiting import WAITED_FOR, FiledLine, QueueLine, filed, queue, request_line

__all__ = [
    "WAITED_FOR",
    "CaseView",
    "FiledLine",
    "QueueLine",
    "ThreadMail",
    "TimelineEntry",
    "caseless_mail",
    "clock",
    "filed",
    "find_case",
    "find_message",
    "find_request",
    "head",
    "queue",
    "request_line",
    "thread",
    "timeline",
]
