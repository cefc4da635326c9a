"""
Employees' mailboxes -> the mails in them that hold something about a person, and the removal of approved ones.

Effects: the network (connectors.mailboxes). Every mail of every folder is read and compared here, by its decoded text
and that of its attachments: what a server's own search finds depends on how a mail is packed. With `narrow = on` the
server chooses, where that is proven to work. A mailbox that cannot be read whole makes the answer incomplete (P5).

Options: `host`, `user`, `password`; `mailboxes` (comma-separated, opened on behalf of their owners by the master user
`user`; without it the mailbox of `user` with all folders that were delegated to it); `port`, `ca_file`,
`timeout_seconds`; `plain = on` (this machine only); `narrow = on`; `changes = on`; `residue_folder`: where the server
keeps its mailboxes, if that is on this machine, for what stays there of a removed mail.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connectors import asking, attached, check_options, leftovers, plans
from connectors.declared import Row, canary_found, holds_one, looked_up, search_rows
from connectors.documents import is_whole, mail_in
from connectors.mailboxes import Account, Folder, Listed, Mailbox
from connectors.mails import key_of, parts_of, row_of
from connectors.turns import InTurn
from dsar.connector import Health, SearchAnswer
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SettingsError, SystemContractError, SystemRefusedError, SystemUnavailableError
from dsar.model import Document, Identifier, PlanStep, Record, StepAction, StepOutcome
from dsar.tls import is_loopback

_REQUIRED = frozenset({"host", "user", "password"})
_OPTIONAL = frozenset({"mailboxes", "port", "ca_file", "timeout_seconds", "plain", "narrow", "changes"}) | {
    "residue_folder"
}
#: RFC 8314 s. 3.2: implicit TLS.
_IMAPS = 993


def open_imap(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "ImapConnector":
    """An ImapEraser with `changes = on`, else an ImapConnector. Raises: SettingsError."""
    kind = ImapEraser if options.get("changes") == "on" else ImapConnector
    return kind(name=name, declaration=declaration, options=options)


class ImapConnector(InTurn):
    """Searches mailboxes and hands over what is attached to mails."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str]) -> None:
        check_options(name, options, required=_REQUIRED, optional=_OPTIONAL)
        self.name = name
        self._declaration = declaration
        self._bear(declaration.rate)
        self._choice = asking.narrowed if options.get("narrow") == "on" else asking.everything
        listed = [each.strip() for each in options.get("mailboxes", "").split(",") if each.strip()]
        self._account = _account(name, options, on_behalf=bool(listed))
        self._mailboxes = tuple(dict.fromkeys(listed or [options["user"]]))
        if any({"/", "#"} & {*each} for each in self._mailboxes):
            raise SettingsError([f"system {name}: the name of a mailbox holds / or #"])

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        mails = self._read(self._choice, identifiers)
        records, emits = search_rows(mails, self._declaration, identifiers, system=self.name, read_at=read_at)
        # A conversation stands together, in the order in which it was held.
        ordered = sorted(
            records, key=lambda record: [_stored(record, each) for each in ("mailbox", "thread", "arrived")]
        )
        detail = "; ".join(mails.problems)
        return SearchAnswer(records=tuple(ordered), complete=not detail, emits=emits, detail=detail)

    def health(self) -> Health:
        canary = self._declaration.canary
        mails = self._read(asking.told_by_server, [canary] if canary else [])
        found = canary_found(mails, self._declaration)
        problems = [*mails.problems, *(["the canary person is not found"] if found is False else [])]
        return Health(ok=not problems, detail="; ".join(problems))

    def fetch(self, record: Record, document: Document) -> bytes:
        arrived = _stored(record, "arrived")
        with self._mailbox_of(record.key) as (box, size, sha256):
            for folder in box.folders():
                for _, content in box.contents(box.copies(folder, size=size, sha256=sha256, arrived=arrived)[:1]):
                    held = mail_in(content).attachments
                    at = int(document.place)
                    return attached.checked(record, document, held[at].content if at < len(held) else None)
        return attached.checked(record, document, None)

    def _read(self, choice: asking.Choice, identifiers: Sequence[Identifier]) -> "_Mails":
        mails = _Mails(self._declaration, identifiers, choice)
        failed: list[str] = []
        for each in self._mailboxes:
            try:
                with self._open(each) as box:
                    mails.read(box, each)
            except (SystemUnavailableError, SystemRefusedError) as error:
                failed.append(str(error))
        if failed:
            mails.problems.insert(
                0, f"{len(failed)} of {len(self._mailboxes)} mailboxes could not be read: {'; '.join({*failed})}"
            )
        return mails

    @contextmanager
    def _open(self, mailbox: str) -> Iterator[Mailbox]:
        with self._turns.turn(), Mailbox(self.name, self._account, mailbox) as box:
            yield box

    @contextmanager
    def _mailbox_of(self, key: str) -> Iterator[tuple[Mailbox, int, str]]:
        """
        The mailbox of the mail that *key* names, open while the block lasts; size and digest of the mail.

        Raises: SystemContractError if it is none of our mailboxes.
        """
        try:
            mailbox, size, sha256 = parts_of(key)
        except ValueError:
            raise SystemContractError(self.name, "a key names no mail") from None
        if mailbox not in self._mailboxes:
            raise SystemContractError(self.name, "a key names no mailbox of the settings")
        with self._open(mailbox) as box:
            yield box, size, sha256


class ImapEraser(ImapConnector):
    """Searches, and removes approved mails from every folder of their mailbox, the trash included."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str]) -> None:
        super().__init__(name=name, declaration=declaration, options=options)
        self._folder = leftovers.folder_of(name, options)

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plans.plan_erase(self._declaration, records, cleans_files=self._folder is not None)

    def apply(self, step: PlanStep, *, key: str) -> None:
        if step.action is not StepAction.ERASE:
            raise SystemContractError(self.name, "a mail can be removed and not be changed")
        # A mail never changes: that its digest is the approved one is all that can be compared.
        arrived = _before(step, "arrived")
        with self._mailbox_of(step.key) as (box, size, sha256):
            for folder in box.folders():
                for mail in box.copies(folder, size=size, sha256=sha256, arrived=arrived):
                    box.remove(folder, mail, sha256=sha256)
        if self._folder is not None:  # the mailbox is closed by now, and the server has written what it had to
            declared = self._declaration.object(step.object, step.key)
            leftovers.remove(self.name, self._folder, declared, plans.values_before(step))

    def verify(self, step: PlanStep) -> StepOutcome:
        arrived = _before(step, "arrived")
        with self._mailbox_of(step.key) as (box, size, sha256):
            folders = box.folders()
            found = any(box.copies(each, size=size, sha256=sha256, arrived=arrived) for each in folders)
        outcome = plans.outcome(step, Row(key=step.key, values={}) if found else None)
        # A folder that somebody has hidden, or taken away with all in it, proves nothing of what lay there (P7).
        if outcome.done and _is_hidden(_before(step, "folder"), [each.shown for each in folders]):
            return replace(outcome, done=False, detail="a folder that it lay in is not shown any more")
        if self._folder is None:
            return outcome
        declared = self._declaration.object(step.object, step.key)
        left = leftovers.count(self.name, self._folder, declared, plans.values_before(step))
        return plans.with_residue(outcome, left, what="files")

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_, key)
        with self._mailbox_of(key) as (box, size, sha256):
            for folder in box.folders():
                for mail, content in box.contents(box.copies(folder, size=size, sha256=sha256, arrived=None)[:1]):
                    row, _ = _read_row(declared, content, key, folder, mail)
                    if row is None:
                        raise SystemUnavailableError(self.name, "a mail cannot be read")
                    return looked_up(declared, row, system=self.name, read_at=read_at)
        return None


@dataclass(frozen=True, kw_only=True)
class _Passed:
    """A mail that was read and is about somebody else, as far as it says itself."""

    folder: Folder
    mail: Listed
    key: str
    thread: str


class _Mails:
    """The mails that hold one of the identifiers, and those of the same conversations where a declaration asks."""

    def __init__(self, declaration: Declaration, identifiers: Sequence[Identifier], choice: asking.Choice) -> None:
        self.problems: list[str] = []  #: What could not be read, without naming a mailbox or a mail.
        self._declaration, self._identifiers, self._choice = declaration, identifiers, choice
        self._rows: list[tuple[DeclaredObject, Row]] = []

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterable[Row]:
        return [row for of, row in self._rows if of is declared]

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterable[Row]:
        return [row for of, row in self._rows if of is declared and row.values[column] in values]

    def read(self, box: Mailbox, name: str) -> None:
        """Take in one mailbox. Raises: SystemUnavailableError; SystemRefusedError."""
        hits: dict[str, tuple[DeclaredObject, Row]] = {}
        places: dict[str, list[str]] = {}
        passed: list[_Passed] = []
        unread = 0
        for folder in box.folders():
            declared = self._object_of(f"{name}/{folder.shown}#")
            if declared is None:
                continue
            for mail, content in box.contents(self._choice(box, box.examine(folder), self._identifiers)):
                key = key_of(name, folder.shown, mail.size, content)
                digest = key.rpartition("#")[2]
                known = digest in places
                places.setdefault(digest, []).append(folder.shown)
                if known:
                    continue
                row, whole = _read_row(declared, content, key, folder, mail)
                unread += not whole
                if row is None:
                    continue
                if holds_one(declared, row, self._identifiers):
                    hits[digest] = declared, row
                else:
                    passed.append(_Passed(folder=folder, mail=mail, key=key, thread=row.values["thread"]))
        found = [*hits.values(), *self._conversations(box, [row for _, row in hits.values()], passed)]
        self._rows += [(declared, _in_all(row, places)) for declared, row in found]
        if unread:
            self.problems.append(f"{unread} mails of a mailbox hold something that only a person can read")

    def _conversations(
        self, box: Mailbox, hits: Sequence[Row], passed: Sequence[_Passed]
    ) -> Iterator[tuple[DeclaredObject, Row]]:
        """The other mails of the conversations that *hits* belong to, where their object is reached from another."""
        threads = {row.values["thread"] for row in hits} - {""}
        for each in passed:
            declared = self._object_of(each.key)
            if declared is None or not declared.reached_from or each.thread not in threads:
                continue
            box.examine(each.folder)
            for mail, content in box.contents([each.mail]):
                row, _ = _read_row(declared, content, each.key, each.folder, mail)
                if row is not None:
                    yield declared, row

    def _object_of(self, key: str) -> DeclaredObject | None:
        return next((each for each in self._declaration.objects if each.has(key)), None)


def _read_row(
    declared: DeclaredObject, content: bytes, key: str, folder: Folder, mail: Listed
) -> tuple[Row | None, bool]:
    """(row, whether all of the mail was read)."""
    try:
        read = mail_in(content)
    except ValueError:
        return None, False
    row = row_of(declared, read, content, key=key, folder=folder.shown, arrived_at=mail.arrived_at)
    return row, is_whole(read)


def _in_all(row: Row, places: Mapping[str, Sequence[str]]) -> Row:
    """*row* with every folder that holds the same mail."""
    folders = ", ".join(dict.fromkeys(places[row.key.rpartition("#")[2]]))
    return replace(row, values={**row.values, "folder": folders})


def _stored(record: Record, column: str) -> str:
    return next((value.value for value in record.values if value.path == column), "")


def _before(step: PlanStep, column: str) -> str:
    return next((change.before for change in step.changes if change.path == column), "")


def _is_hidden(told: str, shown: Sequence[str]) -> bool:
    """Whether *told*, the folders of a record with commas between, names one that is not among *shown*."""
    left = f", {told}, "
    for name in sorted(shown, key=len, reverse=True):
        left = left.replace(f", {name}, ", ", ")
    return bool(left.strip(", "))


def _account(name: str, options: Mapping[str, str], *, on_behalf: bool) -> Account:
    plain = options.get("plain") == "on"
    if plain and not is_loopback(options["host"]):
        raise SettingsError([f"system {name}: plain is for this machine only"])
    try:
        port, timeout = int(options.get("port", _IMAPS)), float(options.get("timeout_seconds", 60))
    except ValueError:
        raise SettingsError([f"system {name}: port and timeout_seconds are numbers"]) from None
    return Account(
        host=options["host"],
        port=port,
        user=options["user"],
        password=options["password"],
        on_behalf=on_behalf,
        ca_file=Path(options["ca_file"]) if "ca_file" in options else None,
        plain=plain,
        timeout_seconds=timeout,
    )
