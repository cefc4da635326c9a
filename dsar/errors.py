"""
Every error that dsar raises, sorted by what the caller can do about it.

    DsarError
    ├ SettingsError                 exit 2: correct the settings
    ├ UsageError                    exit 2: say it differently
    │  ├ UnknownCaseError
    │  ├ PurgedCaseError
    │  └ AmbiguousRequestError
    ├ TemporaryError                exit 3: try again later
    │  ├ ReaderUnavailableError
    │  ├ InboxUnavailableError
    │  ├ OutboxUnavailableError
    │  ├ TooManyMailsError
    │  ├ TokenUnavailableError
    │  ├ SmsUnavailableError
    │  ├ SmsUncertainError
    │  ├ DispatchUncertainError
    │  ├ MailFlowError
    │  ├ DatabaseUnavailableError
    │  ├ BackupUnavailableError
    │  ├ SystemUnavailableError
    │  └ StaleStateError
    └ RefusedError                  exit 1: a rule or another party says no
       ├ IllegalTransitionError
       ├ NotPermittedError
       ├ IdentityNotVerifiedError
       ├ CoverageError
       ├ ApprovalError
       ├ LetterError
       ├ LogoError
       ├ WrongKeyError
       ├ MalformedMailError
       │  └ ReaderLostError
       ├ SystemRefusedError
       ├ SystemContractError
       ├ SystemDriftError
       ├ DispatchRefusedError
       │  └ MailTooBigError
       ├ SmsRefusedError
       └ UndeliverableAddressError

Messages are built here from typed arguments and hold references and counts, never personal data (promise P9).
Waiting, paused and refused are states, not errors.
"""

from collections.abc import Sequence
from datetime import date, datetime

from dsar.locale import said


class DsarError(Exception):
    """Base of all errors; its text is one sentence fit for a terminal."""

    exit_code = 1


class SettingsError(DsarError):
    """Settings or declarations are wrong; all faults are reported at once."""

    exit_code = 2

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UsageError(DsarError):
    """The command does not make sense as given."""

    exit_code = 2


class UnknownCaseError(UsageError):
    def __init__(self, reference: str) -> None:
        super().__init__(said("There is no case {reference!r}; 'dsar queue' lists the open ones.", reference=reference))


class PurgedCaseError(UsageError):
    def __init__(self, reference: str, on: date) -> None:
        super().__init__(
            said(
                "The content of {reference} was removed on {on}, when its time was up; 'dsar show {reference}' and "
                "'--timeline' tell what is left.",
                reference=reference,
                on=on,
            )
        )


class AmbiguousRequestError(UsageError):
    def __init__(self, case_reference: str, choices: Sequence[str]) -> None:
        listed = ", ".join(f"{case_reference}/{choice}" for choice in choices)
        super().__init__(
            said(
                "Case {case_reference} has several requests that fit; name one: {listed}.",
                case_reference=case_reference,
                listed=listed,
            )
        )


class TemporaryError(DsarError):
    """Nothing is wrong with the data; the same call may succeed later."""

    exit_code = 3


class ClockLeaptError(TemporaryError):
    """What becomes due by the calendar and cannot be undone waits until a person says that the clock is right."""

    def __init__(self, before: datetime, now: datetime) -> None:
        super().__init__(
            said(
                "The clock has leapt from {before} to {now}, so nothing is erased by the calendar. If it is right: "
                "'dsar check --clock-is-right'.",
                before=f"{before:%Y-%m-%d %H:%M} UTC",
                now=f"{now:%Y-%m-%d %H:%M} UTC",
            )
        )


class InboxUnavailableError(TemporaryError):
    def __init__(self, mailbox: str, cause: str) -> None:
        super().__init__(said("Mailbox {mailbox!r} cannot be read: {cause}.", mailbox=mailbox, cause=cause))


class OutboxUnavailableError(TemporaryError):
    def __init__(self, cause: str) -> None:
        super().__init__(said("The mail server for outgoing mail cannot be used: {cause}.", cause=cause))


class TooManyMailsError(TemporaryError):
    """The mail server takes only so many mails in a time; one more must wait."""

    def __init__(self, until: datetime) -> None:
        super().__init__(said("No more mail may leave before {until}.", until=f"{until:%Y-%m-%d %H:%M:%S} UTC"))
        self.until = until


class TokenUnavailableError(TemporaryError):
    """The OAuth2 server gave no access token for a mail account."""

    def __init__(self, account: str, cause: str) -> None:
        super().__init__(said("There is no access token for {account!r}: {cause}.", account=account, cause=cause))


class SmsUnavailableError(TemporaryError):
    """The SMS gateway took no message."""

    def __init__(self, cause: str) -> None:
        super().__init__(said("The SMS gateway cannot be used: {cause}.", cause=cause))


class SmsUncertainError(TemporaryError):
    """The SMS gateway may have taken the message or not."""

    def __init__(self) -> None:
        super().__init__("Nobody knows whether the SMS gateway took the message.")


class DispatchUncertainError(TemporaryError):
    """The mail server may hold the letter or not; look for its Message-ID before anything is sent again (P2)."""

    def __init__(self) -> None:
        super().__init__("The connection broke while the letter was handed over; the mail server may have taken it.")


class MailFlowError(TemporaryError):
    """Mail does not come in, or what lies on the server differs from what is stored; the alarm tells the same."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


class DatabaseUnavailableError(TemporaryError):
    def __init__(self, cause: str) -> None:
        super().__init__(said("The database cannot be used: {cause}.", cause=cause))


class WrongVersionError(DatabaseUnavailableError):
    """Another version of the program belongs to the tables as they are now."""


class BackupUnavailableError(TemporaryError):
    """A backup cannot be written or read just now."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The backup cannot be written or read: {cause}.")


class SystemUnavailableError(TemporaryError):
    """A connected system did not answer, or only in part: a partial read is a failed read (P5)."""

    def __init__(self, system: str, cause: str) -> None:
        super().__init__(said("System {system!r} did not answer: {cause}.", system=system, cause=cause))


class ReaderUnavailableError(TemporaryError):
    """No mail is to blame: the process that reads them does not come up."""

    def __init__(self) -> None:
        super().__init__("The process that reads mails does not start; no mail was read.")


class StaleStateError(TemporaryError):
    """Another process changed the request first; read it again."""

    def __init__(self, reference: str) -> None:
        super().__init__(
            said("{reference} was changed by someone else meanwhile; look at it again.", reference=reference)
        )


class RefusedError(DsarError):
    """A rule, a person's duty or another party stands against it."""


class IllegalTransitionError(RefusedError):
    def __init__(self, reference: str, state: str, event: str) -> None:
        super().__init__(
            said(
                "{reference} is in state {state!r}, where {event!r} cannot happen.",
                reference=reference,
                state=state,
                event=event,
            )
        )


class NotPermittedError(RefusedError):
    def __init__(self, actor: str, action: str, why: str) -> None:
        super().__init__(said("{actor} may not {action}: {why}.", actor=actor, action=action, why=why))


class IdentityNotVerifiedError(RefusedError):
    def __init__(self, reference: str, has: str, needs: str) -> None:
        super().__init__(
            said(
                "{reference} has identity level {has} but needs {needs}; 'dsar verify {reference}' records a check.",
                reference=reference,
                has=has,
                needs=needs,
            )
        )


class CoverageError(RefusedError):
    def __init__(self, reference: str, places: Sequence[str]) -> None:
        super().__init__(said("{reference} cannot be approved: {places}.", reference=reference, places=tuple(places)))


class ApprovalError(RefusedError):
    def __init__(self, reference: str, why: str) -> None:
        super().__init__(said("{reference} is not approved: {why}.", reference=reference, why=why))


class LetterError(RefusedError):
    def __init__(self, template: str, why: str) -> None:
        self.why = why
        super().__init__(said("Letter template {template!r}: {why}.", template=template, why=why))


class LogoError(RefusedError):
    def __init__(self) -> None:
        super().__init__("[letters] logo names a file that is no picture that can be read.")


class WrongKeyError(RefusedError):
    def __init__(self, name: str) -> None:
        super().__init__(
            said("The key for {name} is missing or wrong; nothing was changed. Check [vault] master_key.", name=name)
        )


class MalformedMailError(RefusedError):
    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(said("The mail cannot be read: {why}.", why=why))


class ReaderLostError(MalformedMailError):
    """The process that reads mails died of this one, or passed a limit of time or memory."""


class SystemRefusedError(RefusedError):
    """A connected system understood and said no."""

    def __init__(self, system: str, cause: str) -> None:
        super().__init__(said("System {system!r} refused: {cause}.", system=system, cause=cause))


class SystemContractError(RefusedError):
    """A connector or its declaration does not fit the system it describes."""

    def __init__(self, system: str, cause: str) -> None:
        super().__init__(said("System {system!r} does not fit its declaration: {cause}.", system=system, cause=cause))


class SystemDriftError(RefusedError):
    """What is stored differs from what was approved; nothing was written."""

    def __init__(self, system: str, object_name: str) -> None:
        super().__init__(
            said(
                "A {object_name} in system {system!r} was changed after the plan was made.",
                object_name=object_name,
                system=system,
            )
        )


class DispatchRefusedError(RefusedError):
    """The mail server refused the letter for good (5xx)."""

    def __init__(self, code: int) -> None:
        super().__init__(said("The mail server refused the letter for good (SMTP {code}).", code=code))


class MailTooBigError(DispatchRefusedError):
    """The mail server takes no mail of this size (RFC 1870); nothing was sent."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit  #: Most that it takes, in bytes; None: it does not say.
        super().__init__(552)


class SmsRefusedError(RefusedError):
    """The SMS gateway said no for good."""

    def __init__(self, cause: str) -> None:
        super().__init__(said("The SMS gateway refused the message: {cause}.", cause=cause))


class UndeliverableAddressError(RefusedError):
    """An address that our mail cannot carry unchanged; another channel or address is needed."""

    def __init__(self, why: str) -> None:
        super().__init__(said("The address cannot be written to: {why}.", why=why))
