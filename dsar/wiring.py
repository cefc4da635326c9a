"""
Settings -> the assembled program.

Effects: opens the database and the key store; reads declarations and the register. Mail servers and systems are opened
by the steps that need them. Of dsar only this module opens connectors.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import connectors
from dsar import declaration, settings, signatures, staff, worker
from dsar.casework.context import App
from dsar.connector import Asks, Searches
from dsar.declaration import Declaration
from dsar.errors import SettingsError
from dsar.inbox import ImapAccount, ImapInbox
from dsar.mailserver import Credential, CredentialSource
from dsar.model import Activity
from dsar.oauth import AccessTokens, OAuthClient
from dsar.outbox import SmtpAccount, SmtpOutbox
from dsar.settings import MailboxSection, Settings
from dsar.sms import SmsAccount, SmsGateway
from dsar.store import SqlKeyStore, Store, migrate
from dsar.triage import vocabulary
from dsar.vault import Vault, fernet_key

if TYPE_CHECKING:
    from connectors import granting


@dataclass(frozen=True, kw_only=True)
class Session:
    """The program, assembled for one command or one daemon."""

    app: App
    tools: worker.Tools
    inboxes: dict[str, Callable[[], ImapInbox]]  #: {name of the mailbox: opens it}

    def actor(self) -> str:
        """
        Login of the member of staff who calls.

        Raises: NotPermittedError for anybody who is not in [staff.LOGIN], or is not kept apart from database and keys.
        """
        chosen = self.app.settings
        return staff.actor(
            os.environ,
            separation=chosen.staff.separation,
            members=chosen.members,
            private_files=chosen.private_files,
        )

    def run_due(self) -> int:
        """Do every step that is due; how many were tried."""
        return worker.run_due(self.tools)


@contextmanager
def open_session(path: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Session]:
    """
    Assemble the program that the settings file *path* describes.

    Raises: SettingsError with all faults of settings, declarations and register at once; WrongKeyError;
    DatabaseUnavailableError.
    """
    chosen = settings.load(path, environ)
    declarations, register = load_declarations(chosen)
    systems = open_systems(chosen, declarations)
    vocabulary.add(vocabulary.read_additions(chosen.triage.vocabulary) if chosen.triage.vocabulary else {})
    store = Store(chosen.database.url.get_secret_value())
    if chosen.database.create and not migrate.is_current(store.engine):
        migrate.upgrade(store.engine)
    keys = SqlKeyStore(chosen.database.keys_url.get_secret_value())
    try:
        app = App(
            settings=chosen,
            store=store,
            vault=Vault(chosen.vault.master_key.get_secret_value(), keys),
            systems=systems,
            declarations=declarations,
            register=register,
            controller=chosen.controller,
            sms=sms_gateway(chosen),
            look_up_txt=signatures.dns() if chosen.authentication.dkim else None,
        )
        inboxes: dict[str, Callable[[], ImapInbox]] = {
            name: partial(ImapInbox, imap_account(name, section)) for name, section in chosen.mailboxes.items()
        }
        tools = worker.Tools(app=app, open_inbox=next(iter(inboxes.values())), outbox=SmtpOutbox(smtp_account(chosen)))
        yield Session(app=app, tools=tools, inboxes=inboxes)
    finally:
        store.close()
        keys.close()


def load_declarations(chosen: Settings) -> tuple[dict[str, Declaration], Mapping[str, Activity]]:
    """
    What every connected system holds, and the register of processing activities.

    Raises: SettingsError with the faults of all files at once.
    """
    faults: list[str] = []
    declarations: dict[str, Declaration] = {}
    for name, section in chosen.systems.items():
        try:
            declarations[name] = declaration.load_declaration(section.declaration)
        except SettingsError as error:
            faults += error.problems
    try:
        register = declaration.load_register(chosen.register.activities)
    except SettingsError as error:
        raise SettingsError([*faults, *error.problems]) from None
    faults += [fault for each in declarations.values() for fault in declaration.unregistered_activities(each, register)]
    if faults:
        raise SettingsError(faults)
    return declarations, register


def open_systems(chosen: Settings, declarations: Mapping[str, Declaration]) -> dict[str, Searches]:
    """{name in settings: connector}; nothing is connected yet. Raises: SettingsError with all faults at once."""
    faults: list[str] = []
    systems: dict[str, Searches] = {}
    for name, section in chosen.systems.items():
        try:
            systems[name] = connectors.open_connector(
                section.connector, name=name, declaration=declarations[name], options=_options(chosen, name)
            )
        except SettingsError as error:
            faults += error.problems
            continue
        opened = systems[name]
        if isinstance(opened, Asks) and not opened.individuals and not chosen.colleague(section.owner or ""):
            faults.append(
                f"system {name}: owner must be the address of a [colleague.NAME] or [staff.LOGIN], who is asked"
            )
    if faults:
        raise SettingsError(faults)
    return systems


def consent(chosen: Settings, declarations: Mapping[str, Declaration], name: str, *, changes: bool) -> "granting.Grant":
    """A walk through the page of consent of the system *name*. Raises: SettingsError."""
    from connectors import granting

    options = _options(chosen, name)
    return granting.Grant(name=name, declaration=declarations[name], options=options, changes=changes)


def door(name: str, port: int) -> AbstractContextManager[tuple[str, Callable[[float], str]]]:
    """Where the browser comes back to; see connectors.granting.listening."""
    from connectors import granting

    return granting.listening(name, port)


def _options(chosen: Settings, name: str) -> Mapping[str, str]:
    """What the connector of a system is opened with; tokens that it keeps are sealed under a key of their own."""
    options = chosen.systems[name].options
    if not {"renewed_token_path", "write_renewed_token_path"} & set(options):
        return options
    return {**options, "token_key": fernet_key(chosen.vault.master_key.get_secret_value(), f"tokens of {name}")}


def sms_gateway(chosen: Settings) -> SmsGateway | None:
    """The gateway of [sms]; None if there is none."""
    section = chosen.sms
    if section.provider == "none":
        return None
    secret = section.password or section.token
    return SmsGateway(
        SmsAccount(
            provider=section.provider,
            url=section.url,
            user=section.user,
            secret=secret.get_secret_value() if secret else "",
            sender=section.sender,
        )
    )


def draft_declaration(kind: str, name: str, source: str | None) -> str:
    """
    A commented declaration to begin from.

    Args: name: of the system, or of the product; source: URL of a database (sql), or path of a sample answer (rest) or
    of a register (files); None: all such systems look alike (imap, product).
    Raises: SettingsError; SystemUnavailableError.
    """
    from connectors import drafting, shelf

    if source is None:
        return {"imap": drafting.draft_imap, "product": shelf.of_product}[kind](name)
    if kind == "sql":
        return drafting.draft_sql(name, source)
    draft = {"rest": drafting.draft_rest, "files": drafting.draft_files}[kind]
    return draft(name, Path(source))


def settings_of_product(name: str) -> str:
    """The section of settings.ini for the product *name*. Raises: SettingsError."""
    from connectors import shelf

    return shelf.settings_of(name)


def imap_account(name: str, section: MailboxSection) -> ImapAccount:
    """The account of one [mailbox.NAME]."""
    return ImapAccount(
        mailbox=name,
        host=section.host,
        port=section.port,
        security=section.security,
        user=section.user,
        credential=_credential(name, section.oauth2, section.password.get_secret_value() if section.password else ""),
        ca_file=section.ca_file,
        folders=section.folders,
        done_folder=section.done_folder,
        sent_folder=section.sent_folder,
    )


def smtp_account(chosen: Settings) -> SmtpAccount:
    """The account of [smtp]."""
    section = chosen.smtp
    password = section.password.get_secret_value() if section.password else ""
    return SmtpAccount(
        host=section.host,
        port=section.port,
        security=section.security,
        user=section.user or None,
        credential=_credential("smtp", section.oauth2, password) if section.user else None,
        ca_file=section.ca_file,
    )


def _credential(account: str, oauth2: OAuthClient | None, password: str) -> CredentialSource:
    if oauth2 is not None:
        return AccessTokens(account, oauth2)
    return lambda: Credential(kind="password", secret=password)
