"""
A request in review -> the draft that answers it.

A draft is kept as it was shown. It is made anew when anything it says has changed, or on another day, because letters
bear their date; approving a letter that nobody has seen is not possible (P3).

    inputs.py     everything that a letter is made from, and the digest of it
    composing.py  inputs -> the letter with its files, and how it is kept
    drafting.py   the draft of a request: made, shown, made anew
    deciding.py   what a person decides that it answers
"""

from dsar.casework.answering.composing import compose, documents_of, store_letter
from dsar.casework.answering.deciding import (
    SHAPING,
    add_note,
    answer_estate,
    authors,
    done_by_hand,
    give_up_identity,
    pass_on,
    refuse,
    reject,
)
from dsar.casework.answering.drafting import Draft, check_unchanged, draft, mark_shown, same_draft, show, was_shown
from dsar.casework.answering.inputs import Inputs, inputs_of, lacks, recipient_of, seen_inputs, with_data

__all__ = [
    "SHAPING",
    "Draft",
    "Inputs",
    "add_note",
    "answer_estate",
    "authors",
    "check_unchanged",
    "compose",
    "documents_of",
    "done_by_hand",
    "draft",
    "give_up_identity",
    "inputs_of",
    "lacks",
    "mark_shown",
    "pass_on",
    "recipient_of",
    "refuse",
    "reject",
    "same_draft",
    "seen_inputs",
    "show",
    "store_letter",
    "was_shown",
    "with_data",
]
