"""
Mails that belong to something known: copies of our own letters, bounces, and follow-ups of a case.

Knowing a reference is no proof of identity: a follow-up changes the course of a case only if it comes from an address
of that case; from anybody else it joins with a flag and changes no state.

    settling.py    our own copies, bounces, replies of machines
    belonging.py   mail -> case, and whether its sender is known there
    joining.py     a follow-up joins, with the effect that its sender may have
    disturbing.py  what it does to the work that goes on
    flags.py       what the queue shows of it
"""

from dsar.casework.flags import FOLLOW_UP, REMINDER, STRANGER, WITHDRAWN
from dsar.casework.thread.belonging import asks, case_of, concerns_another, named_by_requester, traces
from dsar.casework.thread.disturbing import DISTURBED, resume
from dsar.casework.thread.flags import telling
from dsar.casework.thread.joining import add_new_rights, join_known_case
from dsar.casework.thread.settling import settle_bounce, settle_machine_reply, settle_own_copy

__all__ = [
    "DISTURBED",
    "FOLLOW_UP",
    "REMINDER",
    "STRANGER",
    "WITHDRAWN",
    "add_new_rights",
    "asks",
    "case_of",
    "concerns_another",
    "join_known_case",
    "named_by_requester",
    "resume",
    "settle_bounce",
    "settle_machine_reply",
    "settle_own_copy",
    "telling",
    "traces",
]
