"""
A draft that a person has seen -> an approved letter and plan, on their way.

Approval binds the hashes of text, HTML and annexes as shown, the recipient, the channel and the plan. In the same
transaction the mail is built once, and its SHA-256 is stored: those bytes and no others are sent (P3).

    judging.py    what stands between a request and its approval
    binding.py    the approval of a letter with its plan, and what it sets going
    standing.py   the marketing stop that the settings approve once and for all
"""

from dsar.casework.approving.binding import approve, bind_letter, release_erasure, waits_for_access
from dsar.casework.approving.judging import (
    check_flags,
    check_redactions,
    coverage_failures,
    undecided_gap,
)
from dsar.casework.approving.standing import stop_marketing

__all__ = [
    "approve",
    "bind_letter",
    "check_flags",
    "check_redactions",
    "coverage_failures",
    "release_erasure",
    "stop_marketing",
    "undecided_gap",
    "waits_for_access",
]
