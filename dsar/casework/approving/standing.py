"""
A plain marketing stop -> approved by the settings, if nobody has to look at it (promise P3(c)).

Effects: writes the database.
"""

from datetime import datetime

from dsar.casework import intake, suspecting, unasked
from dsar.casework.answering import check_unchanged, draft, inputs_of, same_draft
from dsar.casework.approving.binding import leaves_work, set_going
from dsar.casework.approving.judging import coverage_failures
from dsar.casework.context import App, subject_of, triage_of
from dsar.casework.planning import contact_points, is_general_objection
from dsar.errors import MalformedMailError, StaleStateError
from dsar.lifecycle import State
from dsar.model import Right, SenderAuthentication, Triage
from dsar.store.tables import CaseFile

#: More contact points beside the sender's own are not stopped without a person (promise P3(c)).
_STATED_LIMIT = 1

#: Actor of what the settings approve once and for all.
_STANDING = "standing approval"


def stop_marketing(app: App, request_id: int, *, now: datetime) -> None:
    """
    Step: approve a marketing stop under the standing approval of the settings, if it is as plain as promise P3(c) says.

    Art. 21(3): "the personal data shall no longer be processed for such purposes"; whatever is less plain waits for a
    person.
    """
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        case = tx.case_by_id(request.case_id)
        link, message = tx.case_messages(case.id or 0)[0]
        general = is_general_objection(app, tx, case)
    triage = triage_of(app, case, message.id or 0, link.sealed_triage)
    if (
        request.right != Right.OBJECT
        or request.state != State.REVIEW
        or general
        or not _is_plain_stop(app, case, triage)
    ):
        return
    try:
        mail = intake.read(app, message)
    except MalformedMailError:
        return
    with app.store.transaction() as tx:
        if unasked.why_not(app, tx, mail, triage, case=case, now=now):
            return
    current = draft(app, case, request, now=now)
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        seen = inputs_of(app, tx, case, request, now=now)
        check_unchanged(app, tx, case, request, seen, now=now)
        same = same_draft(app, tx, case, tx.letters_of(request.id or 0), seen)
        if same is None or same.row.id != current.row.id:
            raise StaleStateError(f"{case.reference}/{request.right}")
        if not coverage_failures(app, tx, case, Right.OBJECT) and not leaves_work(app, tx, case, current):
            set_going(app, tx, case, request, current, actor=_STANDING, now=now)


def _is_plain_stop(app: App, case: CaseFile, triage: Triage) -> bool:
    """
    Whether a stop is for the sender's own confirmed address, and at most one more contact point that the mail states.

    Art. 21(2), (3): direct marketing only; any other objection (Art. 21(1)) is weighed by a person.
    """
    if not app.settings.automatic_marketing_stop or set(case.flags) - suspecting.WHO_ASKS:
        return False
    own = subject_of(app, case).reply_address
    stated = [point for point in contact_points(app, case) if point.value != own]
    return triage.sender_authentication is SenderAuthentication.PASS and len(stated) <= _STATED_LIMIT
