"""What `dsar check` looks at, each with what to do about it."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dsar import declaration, letters, ocr, pdf, settings, staff, wiring
from dsar.approval import APPROVING
from dsar.casework import health
from dsar.cli.setup import Finding
from dsar.errors import DsarError, SettingsError
from dsar.inbox import ImapInbox
from dsar.outbox import SmtpOutbox
from dsar.settings import Settings
from dsar.store import SqlKeyStore, Store, migrate
from dsar.vault import Vault

#: No installation of this version can live before it was written.
_EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
#: Mail servers that check for spam may take their time.
_SELF_TEST_PATIENCE = timedelta(minutes=2)

#: They are made once a day; an older one means that the last try, and the one before, failed.
_BACKUP_AGE = timedelta(days=2)


def examine(path: Path) -> list[Finding]:
    """Every finding about the installation of the settings file *path*, in the order in which to mend them."""
    try:
        chosen = settings.load(path, os.environ)
    except SettingsError as error:
        return [Finding("fail", "settings", problem) for problem in error.problems]
    findings = [Finding("ok", "settings", str(path))]
    for look in (
        _clock,
        _database,
        _trail,
        _keys,
        _templates,
        _mailboxes,
        _smtp,
        _flow,
        _backups,
        _pictures,
        _systems,
        _staff,
        _separation,
    ):
        findings += look(chosen)
    return findings


def _tried(what: str, action: Callable[[], object], *, advice: str = "") -> Finding:
    try:
        detail = action()
    except DsarError as error:
        return Finding("fail", what, f"{error}{' ' if advice else ''}{advice}")
    return Finding("ok", what, detail if isinstance(detail, str) else "")


def _clock(_chosen: Settings) -> Iterator[Finding]:
    try:
        here = datetime.now(ZoneInfo("Europe/Stockholm"))
    except ZoneInfoNotFoundError:
        yield Finding("fail", "clock", "the time zone Europe/Stockholm is missing; install tzdata")
        return
    if here < _EARLIEST:
        yield Finding("fail", "clock", f"it says {here:%Y-%m-%d}, which cannot be; set the machine's clock")
    else:
        yield Finding("ok", "clock", f"{here:%Y-%m-%d %H:%M} in Stockholm")


def _database(chosen: Settings) -> Iterator[Finding]:
    def look() -> str:
        store = Store(chosen.database.url.get_secret_value())
        try:
            return "current" if migrate.is_current(store.engine) else ""
        finally:
            store.close()

    finding = _tried("database", look)
    if finding == Finding("ok", "database", ""):
        finding = Finding("fail", "database", "it has not the tables of this version; run 'dsar db upgrade'")
    yield finding


def _trail(chosen: Settings) -> Iterator[Finding]:
    """Whether the program itself could change what the audit trail says (promise P8)."""
    store = Store(chosen.database.url.get_secret_value())
    try:
        with store.transaction(read_only=True) as tx:
            rights = tx.rights_over_the_trail()
    except DsarError:
        return  # the finding about the database says it
    finally:
        store.close()
    if rights:
        yield Finding(
            "warning", "audit trail", f"our own log-in may change it ({', '.join(rights)}); docs/operations.md"
        )


def _keys(chosen: Settings) -> Iterator[Finding]:
    def look() -> None:
        keys = SqlKeyStore(chosen.database.keys_url.get_secret_value())
        try:
            Vault(chosen.vault.master_key.get_secret_value(), keys)
        finally:
            keys.close()

    yield _tried("keys", look)


def _templates(chosen: Settings) -> Iterator[Finding]:
    yield _tried("letter templates", lambda: letters.check_templates(chosen.templates_folder))
    logo = chosen.look.logo
    if logo is not None:
        yield _tried("logo", lambda: pdf.picture(logo) and "")


def _mailboxes(chosen: Settings) -> Iterator[Finding]:
    for name, section in chosen.mailboxes.items():

        def look(name: str = name, section: settings.MailboxSection = section) -> str:
            with ImapInbox(wiring.imap_account(name, section)) as inbox:
                return "; ".join(inbox.check())

        yield _tried(f"mailbox {name}", look, advice=f"Look at [mailbox.{name}] in settings.")


def _smtp(chosen: Settings) -> Iterator[Finding]:
    outbox = SmtpOutbox(wiring.smtp_account(chosen))
    yield _tried("smtp", lambda: "; ".join(outbox.check()), advice="Look at [smtp] in settings.")
    if not chosen.trusted_authserv_ids:
        yield Finding(
            "warning",
            "authentication",
            "no mail server's Authentication-Results are trusted, so every sender goes before a person; "
            "set [authentication] trusted",
        )


def _flow(chosen: Settings) -> Iterator[Finding]:
    """Whether mail has been read of late, and whether anybody would hear if it were not."""
    store = Store(chosen.database.url.get_secret_value())
    try:
        with store.transaction() as tx:
            wrong = health.problems(chosen, tx, now=datetime.now(UTC))
    except DsarError:
        return  # the finding about the database says it
    finally:
        store.close()
    for problem in wrong:
        yield Finding("fail", "flow of mail", problem.words)
    if not wrong:
        yield Finding("ok", "flow of mail", "")
    if chosen.health.alarm_address is None:
        yield Finding("warning", "alarm", "nobody is told when mail stops coming; set [health] alarm_address")
    elif chosen.health.alarm_address in chosen.own_addresses:
        yield Finding("warning", "alarm", "alarms go to the mailbox that they are about; set another alarm_address")
    for name, section in {
        **{f"mailbox.{name}": box for name, box in chosen.mailboxes.items()},
        "smtp": chosen.smtp,
    }.items():
        if section.oauth2_refresh_token.get_secret_value() and section.oauth2_renewed_token_path is None:
            yield Finding("warning", name, "renewed refresh tokens are forgotten; set oauth2_renewed_token_path")


def _backups(chosen: Settings) -> Iterator[Finding]:
    """Whether there are copies to begin again from, and whether the last one is young enough."""
    if chosen.backup.data_folder is None:
        yield Finding("warning", "backup", "dsar makes none: set [backup], or see to it yourself (docs/operations.md)")
        return
    if chosen.backup.keys_days > chosen.backup.data_days:
        yield Finding(
            "warning", "backup", "copies of the keys live longer than those of the data; see docs/operations.md"
        )
    store = Store(chosen.database.url.get_secret_value())
    try:
        with store.transaction(read_only=True) as tx:
            last = tx.mark("backed_up")
    except DsarError:
        return  # the finding about the database says it
    finally:
        store.close()
    if last is None:
        yield Finding("warning", "backup", "none was made yet; 'dsar run' makes one a day, 'dsar backup' one at once")
    elif datetime.now(UTC) - last.at > _BACKUP_AGE:
        yield Finding("fail", "backup", f"the last one is of {last.at:%Y-%m-%d %H:%M} UTC; try 'dsar backup'")
    else:
        yield Finding("ok", "backup", f"{last.at:%Y-%m-%d %H:%M} UTC")


def send_self_test(path: Path) -> Finding:
    """
    A mail to the public address, and whether it comes back within two minutes.

    What else lies in the mailboxes is taken in meanwhile, as by 'dsar poll'.
    """
    from dsar import poller  # loads every step

    began_at = datetime.now(UTC)
    try:
        with wiring.open_session(path) as opened:
            app = opened.app
            if not health.test_now(app, opened.tools.outbox, now=began_at):
                return Finding("fail", "self-test", "it could not be sent; look at [smtp] in settings")
            while datetime.now(UTC) - began_at < _SELF_TEST_PATIENCE:
                for name, open_inbox in opened.inboxes.items():
                    with open_inbox() as inbox:
                        poller.poll(app, name, inbox)
                opened.run_due()
                with app.store.transaction(read_only=True) as tx:
                    if health.self_test_arrived(tx, since=began_at):
                        took = (datetime.now(UTC) - began_at).total_seconds()
                        return Finding("ok", "self-test", f"it came back after {took:.0f} s")
                time.sleep(2)
    except DsarError as error:
        return Finding("fail", "self-test", str(error))
    return Finding("fail", "self-test", f"none has come back from {app.settings.self_test_address} within two minutes")


def _pictures(_chosen: Settings) -> Iterator[Finding]:
    read = ocr.languages()
    if read:
        yield Finding("ok", "pictures and scans", f"read by tesseract ({read})")
    else:
        yield Finding("warning", "pictures and scans", "each goes before a person, because tesseract is not installed")


def _systems(chosen: Settings) -> Iterator[Finding]:
    try:
        declarations, register = wiring.load_declarations(chosen)
        systems = wiring.open_systems(chosen, declarations)
    except SettingsError as error:
        yield from (Finding("fail", "declarations", problem) for problem in error.problems)
        return
    if not systems:
        yield Finding("warning", "systems", "none is connected; docs/connecting.md tells how")
    for name, system in systems.items():
        health = system.health()
        yield Finding("ok" if health.ok else "fail", f"system {name}", health.detail)
    for name, declared in declarations.items():
        for unknown in declared.unknown:
            yield Finding("warning", f"system {name}", f"a fact is missing: {unknown}")
    for activity in register.values():
        for unknown in activity.unknown:
            yield Finding("warning", f"register {activity.id}", f"a fact is missing: {unknown}")
    for recipient in declaration.not_told_of_changes(declarations.values(), register):
        advice = 'whether it must be told of changes (Art. 19): notify = "ADDRESS", or "" where it need not'
        yield Finding("warning", f"recipient {recipient}", f"a fact is missing: {advice}")


def _staff(chosen: Settings) -> Iterator[Finding]:
    approvers = [login for login in chosen.members if chosen.roles(login) & APPROVING]
    if not approvers:
        yield Finding("fail", "staff", "nobody may approve; give a [staff.LOGIN] the role approver")
    elif len(approvers) == 1 and not chosen.single_approver:
        yield Finding("warning", "staff", "only one person may approve, so refusals and erasures find no second person")
    if chosen.single_approver:
        yield Finding("warning", "staff", "single_approver is on: one person alone may erase and refuse")


def _separation(chosen: Settings) -> Iterator[Finding]:
    """Whether staff must go through dsar, or could read its database and keys themselves (Art. 32)."""
    if not chosen.staff.separation:
        yield Finding("warning", "separation", "it is off: whoever can run dsar can read its database")
        return
    try:
        calling = staff.caller(os.environ)
    except DsarError as error:
        yield Finding("fail", "separation", str(error))
        return
    if calling.service_uid == 0:
        yield Finding("fail", "separation", "dsar runs as root; call it as the service user: 'sudo -u dsar dsar check'")
        return
    for path in filter(Path.exists, chosen.private_files):
        fault = staff.file_fault(calling, path)
        if fault is None:
            yield Finding("ok", f"private file {path}", "")
        else:
            yield Finding("fail", f"private file {path}", f"{fault.reason}; as root: {fault.remedy}")
    if not calling.through_sudo or calling.uid == 0:
        advice = "no member of staff was tested; have each call 'sudo -u dsar dsar check'"
        yield Finding("warning", "separation", advice)
    elif calling.login not in chosen.members:
        yield Finding("warning", "separation", f"settings have no section [staff.{calling.login}]")
