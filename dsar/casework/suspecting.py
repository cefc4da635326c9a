"""
Signs that somebody asks for somebody else's data -> flags for staff; nothing else happens because of them.

They are shown and never told: the sender gets the same mail at the same step (P4), and the true person is not held up.
"""

from collections.abc import Iterable

from dsar.casework.context import App, subject_of
from dsar.casework.flags import flag
from dsar.lifecycle import State
from dsar.model import Identifier, IdentifierType, TriageSubject
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Flag: several open cases are about one person, from different senders: one may shadow the other.
SEVERAL_CASES = "several_cases"

#: Flag: the request names a person whom we know, from an address that we do not.
KNOWN_PERSON_NEW_ADDRESS = "known_person_new_address"

#: Flag: the sender's address could be taken for the one on file.
NEAR_ADDRESS_ON_FILE = "near_address_on_file"

#: Flag: the contact point on file has got enough codes today: somebody asks for this person again and again.
BURST = "burst"

#: Flag: a code could go to no single personal contact point on file.
NO_SINGLE_CONTACT = "no_single_contact"

#: Flags about who asks, and about nothing else: what protects the person whoever asks goes on (Art. 21(3)).
WHO_ASKS = frozenset(
    {
        SEVERAL_CASES,
        KNOWN_PERSON_NEW_ADDRESS,
        NEAR_ADDRESS_ON_FILE,
        BURST,
        NO_SINGLE_CONTACT,
        "fresh_contact",
        "systems_disagree",
        "sms_failed",
        "no_reply",
        "code_wrong",
        "code_from_elsewhere",
    }
)

#: So many other cases are looked at: a burst must not make every further mail of it slower.
_MOST = 20

_LEADING = frozenset(
    {IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.CUSTOMER_NO, IdentifierType.PERSONNUMMER}
)


def look_for_shadows(app: App, tx: Transaction, case: CaseFile, person: TriageSubject) -> None:
    """Flag a new case and every other open one about the same person that came from somebody else."""
    asked_by = subject_of(app, case).reply_address
    for other in _about(app, tx, person.identifiers, asked_by)[:_MOST]:
        if other.id == case.id or other.purged_at is not None:
            continue
        is_open = any(request.state != State.CLOSED for request in tx.requests(other.id or 0))
        if is_open and subject_of(app, other).reply_address != asked_by:
            flag(tx, case, SEVERAL_CASES)
            flag(tx, other, SEVERAL_CASES)


def _about(app: App, tx: Transaction, identifiers: Iterable[Identifier], asked_by: str | None) -> list[CaseFile]:
    digests = [app.vault.index_identifier(each) for each in identifiers if each.type in _LEADING]
    digests += [app.vault.index("sender", each.value) for each in identifiers if each.type is IdentifierType.EMAIL]
    if asked_by:
        digests.append(app.vault.index_identifier(Identifier(type=IdentifierType.EMAIL, value=asked_by)))
    return list({case.id: case for digest in digests for case in tx.cases_indexed(digest)}.values())
