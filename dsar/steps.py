"""
Name of a step -> the function that does it.

Effects: runs use cases. A step is a short idempotent function of one id; worker.py claims those that are due, and does
again what a killed worker left.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from dsar.casework import (
    alarms,
    approving,
    attaching,
    challenging,
    changing,
    codes,
    convictions,
    digests,
    fulfilling,
    identifying,
    intake,
    opening,
    recipients,
    reminding,
    reporting,
    representing,
    searching,
    sending,
    texting,
    unlocking,
    verifying,
)
from dsar.casework.context import App
from dsar.errors import DsarError
from dsar.inbox import ImapInbox
from dsar.outbox import SmtpOutbox
from dsar.store.tables import Work


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What steps need besides the app; opened on use."""

    app: App
    open_inbox: Callable[[], AbstractContextManager[ImapInbox]]
    outbox: SmtpOutbox


class StillWaitingError(DsarError):
    """What the step waits for has not happened yet; look again later."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("What this step waits for has not happened yet.")


def _sort(tools: Tools, work: Work, now: datetime) -> None:
    intake.sort(tools.app, work.subject_id, now=now)


def _unwrap(tools: Tools, work: Work, now: datetime) -> None:  # noqa: ARG001  # all steps are called alike
    opening.unwrap(tools.app, work.subject_id)


def _identify(tools: Tools, work: Work, now: datetime) -> None:
    identifying.identify(tools.app, work.subject_id, now=now)


def _challenge(tools: Tools, work: Work, now: datetime) -> None:
    challenging.challenge(tools.app, work.subject_id, now=now)


def _expire(tools: Tools, work: Work, now: datetime) -> None:
    with tools.app.store.transaction() as tx:
        reminding.expire(tx, tx.case_by_id(work.subject_id), now=now)


def _remind(tools: Tools, work: Work, now: datetime) -> None:
    challenging.remind(tools.app, work.subject_id, now=now)


def _alarm(tools: Tools, work: Work, now: datetime) -> None:
    alarms.alarm(tools.app, work.subject_id, outbox=tools.outbox, now=now)


def _tell_management(tools: Tools, work: Work, now: datetime) -> None:
    convictions.tell_management(tools.app, work.subject_id, outbox=tools.outbox, now=now)


def _tell_statistics(tools: Tools, work: Work, now: datetime) -> None:
    reporting.tell(tools.app, work.subject_id, outbox=tools.outbox, now=now)


def _ask(tools: Tools, work: Work, now: datetime) -> None:
    digests.ask(tools.app, work.subject_id, outbox=tools.outbox, now=now)


def _send_sms(tools: Tools, work: Work, now: datetime) -> None:
    codes.send_sms(tools.app, work.subject_id, attempt=work.attempts, now=now)


def _notice_sms(tools: Tools, work: Work, now: datetime) -> None:
    texting.send_notice(tools.app, work.subject_id, attempt=work.attempts, now=now)


def _confirm_mandate(tools: Tools, work: Work, now: datetime) -> None:
    representing.ask_principal(tools.app, work.subject_id, now=now)


def _documents(tools: Tools, work: Work, now: datetime) -> None:
    attaching.fetch(tools.app, work.subject_id, now=now)


def _send_phrase(tools: Tools, work: Work, now: datetime) -> None:
    unlocking.send_sms(tools.app, work.subject_id, attempt=work.attempts, now=now)


def _facts(tools: Tools, work: Work, now: datetime) -> None:
    verifying.compare_stated(tools.app, work.subject_id, now=now)


def _conclude(tools: Tools, work: Work, now: datetime) -> None:
    with tools.app.store.transaction() as tx:
        reminding.conclude(tx, tx.request(work.subject_id), now=now)


def _search(tools: Tools, work: Work, now: datetime) -> None:
    searching.collect(tools.app, work.subject_id, attempt=work.attempts, now=now)


def _search_failed(tools: Tools, work: Work, now: datetime) -> None:
    searching.collect(tools.app, work.subject_id, attempt=work.attempts, now=now, only_failed=True)


def _dispatch(tools: Tools, work: Work, now: datetime) -> None:
    sending.dispatch_mail(tools.app, work.subject_id, outbox=tools.outbox, now=now)


def _stop_marketing(tools: Tools, work: Work, now: datetime) -> None:
    approving.stop_marketing(tools.app, work.subject_id, now=now)


def _apply(tools: Tools, work: Work, now: datetime) -> None:
    changing.apply(tools.app, work.subject_id, now=now)


def _duty(tools: Tools, work: Work, now: datetime) -> None:
    fulfilling.perform(tools.app, work.subject_id, now=now)


def _notice(tools: Tools, work: Work, now: datetime) -> None:
    recipients.follow(tools.app, work.subject_id, now=now)


def _release_erasure(tools: Tools, work: Work, now: datetime) -> None:
    if not approving.release_erasure(tools.app, work.subject_id, now=now):
        raise StillWaitingError


def _reconcile(tools: Tools, work: Work, now: datetime) -> None:
    with tools.open_inbox() as inbox:
        settled = sending.reconcile(tools.app, work.subject_id, inbox=inbox, now=now)
    if not settled:
        raise StillWaitingError


def _file_copy(tools: Tools, work: Work, now: datetime) -> None:
    with tools.open_inbox() as inbox:
        sending.file_copy(tools.app, work.subject_id, inbox=inbox, now=now)


#: Name of a step -> the function that does it.
STEPS: dict[str, Callable[[Tools, Work, datetime], None]] = {
    "sort": _sort,
    "unwrap": _unwrap,
    "identify": _identify,
    "challenge": _challenge,
    "remind": _remind,
    "expire": _expire,
    "conclude": _conclude,
    "facts": _facts,
    "confirm_mandate": _confirm_mandate,
    "send_sms": _send_sms,
    "notice_sms": _notice_sms,
    "send_phrase": _send_phrase,
    "alarm": _alarm,
    "tell_management": _tell_management,
    reporting.STEP: _tell_statistics,
    "ask": _ask,
    "search": _search,
    "search_failed": _search_failed,
    "documents": _documents,
    "stop_marketing": _stop_marketing,
    "apply": _apply,
    "release_erasure": _release_erasure,
    "dispatch": _dispatch,
    "duty": _duty,
    "notice": _notice,
    "reconcile": _reconcile,
    "file_copy": _file_copy,
}
