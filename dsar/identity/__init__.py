"""
Sender, Authentication-Results, contact points on file and recorded checks -> IdentityFinding.

Effects: none. How sure we must be depends on what a mistake would cost (Art. 12(6), recital 64, EDPB 01/2022 s. 3.3):
no more may be asked than reasonable doubt demands, and a name with a birth date is never enough (Art. 32).

    senders.py   what our mail server found out about the sender
    risk.py      what a mistake would cost, and the level that this demands
    evidence.py  what is on file, which checks were made, and the level that they reach
"""

from dsar.identity.evidence import (
    LEVEL_OF_CHECK,
    CheckMethod,
    IdentityCheck,
    OnFile,
    assess,
    on_file,
)
from dsar.identity.risk import Risk, required_level, risk_of
from dsar.identity.senders import TOPMOST, authenticate, believable

__all__ = [
    "LEVEL_OF_CHECK",
    "TOPMOST",
    "CheckMethod",
    "IdentityCheck",
    "OnFile",
    "Risk",
    "assess",
    "authenticate",
    "believable",
    "on_file",
    "required_level",
    "risk_of",
]
