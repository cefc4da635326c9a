"""
Settings -> the assembled program.

Effects: opens the database and the key store; reads declarations and the register. Mail servers and systems are opened
by the steps that need them. Of dsar only this module opens connectors.
"""

import csv
import os
import sys
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import connectors
from dsar import settings, staff
from dsar.casework.context import App
from dsar.connector import Asks, Searches, TakesTurns
from dsar.errors import SettingsError, UsageError
from dsar.mailserver import Credential, CredentialSource
from dsar.model import Activity
from dsar.settings import MailboxSection, Settings
from dsar.store import SqlKeyStore, Store, tables
from dsar.vault import Vault, fernet_key

if TYPE_CHECKING:
    from connectors import granting, sifting
    from dsar.declaration import Declaration
    from dsar.inbox import ImapAccount, ImapInbox
    from dsar.oauth import OAuthClient
    from dsar.outbox import SmtpAccount
    from dsar.signatures import LookUpTxt
    from dsar.sms import SmsGateway
    from dsar.steps import Tools

_Value = TypeVar("_Value")


@dataclass(frozen=True, kw_only=True)
class Session:
    """The program, assembled for one command or one daemon; what speaks to mail servers is loaded on use."""

    app: App

    @cached_property
    def inboxes(self) -> "dict[str, Callable[[], ImapInbox]]":
        """{name of the mailbox: opens it}"""
        from dsar.inbox import ImapInbox

        mailboxes = self.app.settings.mailboxes
        return {name: partial(ImapInbox, imap_account(name, section)) for name, section in mailboxes.items()}

    @cached_property
    def tools(self) -> "Tools":
        """What due steps need; letters are copied into the first mailbox."""
        from dsar.outbox import SmtpOutbox
        from dsar.steps import Tools

        outbox = SmtpOutbox(smtp_account(self.app.settings))
        return Tools(app=self.app, open_inbox=next(iter(self.inboxes.values())), outbox=outbox)

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

    def run_due(self, told: Callable[[int], None] = lambda _tried: None) -> int:
        """Do every step that is due; how many were tried. Args: told: is told the count before each."""
        from dsar import worker

        return worker.run_due(self.tools, told=told)


@contextmanager
def open_session(path: Path, environ: Mapping[str, str] = os.environ, *, shows_only: bool = False) -> Iterator[Session]:
    """
    Assemble the program that the settings file *path* describes.

    Args: shows_only: what is stored is shown, and nothing done: a system is opened, and what it declares read, once it
    is asked for.
    Raises: SettingsError with all faults of settings, declarations and register at once; WrongKeyError;
    DatabaseUnavailableError.
    """
    chosen = settings.load(path, environ)
    _set_vocabulary(chosen)
    store = Store(chosen.database.url.get_secret_value())
    connected = cache(partial(_connect, chosen, store))
    if not shows_only:
        connected()
    if chosen.database.create:
        _make_current(store)
    with store.transaction(read_only=True) as tx:
        tx.check_version()
    keys = SqlKeyStore(chosen.database.keys_url.get_secret_value())
    try:
        app = App(
            settings=chosen,
            store=store,
            vault=Vault(chosen.vault.master_key.get_secret_value(), keys),
            systems=_OnUse(lambda: connected().systems, chosen.systems),
            declarations=_OnUse(lambda: connected().declarations, chosen.systems),
            register=_OnUse(lambda: connected().register),
            controller=chosen.controller,
            sms=sms_gateway(chosen),
            look_up_txt=_dns() if chosen.authentication.dkim else None,
        )
        yield Session(app=app)
    finally:
        store.close()
        keys.close()


@dataclass(frozen=True, kw_only=True)
class _Connected:
    """What is connected, and what is known of it; the names are those of App."""

    systems: Mapping[str, Searches]
    declarations: "Mapping[str, Declaration]"
    register: Mapping[str, Activity]


class _OnUse(Mapping[str, _Value]):
    """What *load* gives, once a value is asked for; names that are known before cost nothing."""

    def __init__(self, load: Callable[[], Mapping[str, _Value]], names: Collection[str] | None = None) -> None:
        self._load, self._names = load, names

    def __getitem__(self, name: str) -> _Value:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load() if self._names is None else self._names)

    def __len__(self) -> int:
        return len(self._load() if self._names is None else self._names)


def _connect(chosen: Settings, store: Store) -> _Connected:
    """Raises: SettingsError with the faults of all declarations, of the register, or of all options."""
    tables.load_all()  # systems are asked side by side, and take their turns by the database
    declarations, register = load_declarations(chosen)
    systems = open_systems(chosen, declarations)
    _share_turns(store, systems, declarations)
    return _Connected(systems=systems, declarations=declarations, register=register)


def _share_turns(store: Store, systems: Mapping[str, Searches], declarations: "Mapping[str, Declaration]") -> None:
    """Have the calls to a system counted over all processes that work on this database."""
    from dsar.turns import SharedTurns

    for name, system in systems.items():
        rate = declarations[name].bears
        if isinstance(system, TakesTurns) and rate is not None:
            system.share(SharedTurns(store, name, rate, holder=_worker_name))


def _worker_name() -> str:
    from dsar import worker

    return worker.worker_name()


def _set_vocabulary(chosen: Settings) -> None:
    """Phrases of this site's own, beside the shipped ones."""
    if chosen.triage.vocabulary is None and "dsar.triage.vocabulary" not in sys.modules:
        return  # nothing is added, nor is there anything of other settings to take back; it is slow to load
    from dsar.triage import vocabulary

    vocabulary.add(vocabulary.read_additions(chosen.triage.vocabulary) if chosen.triage.vocabulary else {})


def _make_current(store: Store) -> None:
    from dsar.store import migrate

    if not migrate.is_current(store.engine):
        migrate.upgrade(store.engine)


def _dns() -> "LookUpTxt":
    from dsar import signatures

    return signatures.dns()


def load_declarations(chosen: Settings) -> "tuple[dict[str, Declaration], Mapping[str, Activity]]":
    """
    What every connected system holds, and the register of processing activities.

    Raises: SettingsError with the faults of all files at once.
    """
    from dsar import declaration

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


def open_systems(chosen: Settings, declarations: "Mapping[str, Declaration]") -> dict[str, Searches]:
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
        if declarations[name].rate is not None and not isinstance(opened, TakesTurns):
            faults.append(f"system {name}: its declaration has a rate, and nobody is called that could keep it")
        if isinstance(opened, Asks) and not opened.individuals and not chosen.colleague(section.owner or ""):
            faults.append(
                f"system {name}: owner must be the address of a [colleague.NAME] or [staff.LOGIN], who is asked"
            )
    if faults:
        raise SettingsError(faults)
    return systems


def consent(
    chosen: Settings, declarations: "Mapping[str, Declaration]", name: str, *, changes: bool
) -> "granting.Grant":
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


def sms_gateway(chosen: Settings) -> "SmsGateway | None":
    """The gateway of [sms]; None if there is none."""
    section = chosen.sms
    if section.provider == "none":
        return None
    from dsar.sms import SmsAccount, SmsGateway

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
    of a register (files); None: all such systems look alike (imap, carddav, manual, product).
    Raises: SettingsError; SystemUnavailableError.
    """
    from connectors import drafting, shelf

    if source is None:
        alike = {
            "imap": drafting.draft_imap,
            "carddav": drafting.draft_carddav,
            "manual": drafting.draft_manual,
            "product": shelf.of_product,
        }
        return alike[kind](name)
    if kind == "sql":
        return drafting.draft_sql(name, source)
    draft = {"rest": drafting.draft_rest, "files": drafting.draft_files}[kind]
    return draft(name, Path(source))


def draft_directory(name: str, url: str, user: str, password: str, *, ca_file: str) -> str:
    """A commented declaration of a directory; see connectors.ldap.drafting. Raises: DsarError."""
    from connectors.ldap import drafting

    return drafting.draft_ldap(name, url, user, password, ca_file=ca_file)


def sift(ending: str, content: bytes, judge: "sifting.Judge") -> "sifting.Sifted":
    """A register without the rows that *judge* names; see connectors.sifting. Raises: UsageError."""
    from connectors import sifting

    try:
        return sifting.sift(ending, content, judge)
    except sifting.UnfitFileError as error:
        raise UsageError(str(error)) from None
    except (OSError, ValueError, KeyError, SyntaxError, csv.Error, zipfile.BadZipFile) as error:  # openpyxl: XML
        raise UsageError(f"The file cannot be read whole ({type(error).__name__}).") from None


def settings_of_product(name: str) -> str:
    """The section of settings.ini for the product *name*. Raises: SettingsError."""
    from connectors import shelf

    return shelf.settings_of(name)


def imap_account(name: str, section: MailboxSection) -> "ImapAccount":
    """The account of one [mailbox.NAME]."""
    from dsar.inbox import ImapAccount

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
        timeout_seconds=section.timeout_seconds,
    )


def smtp_account(chosen: Settings) -> "SmtpAccount":
    """The account of [smtp]."""
    from dsar.outbox import SmtpAccount

    section = chosen.smtp
    password = section.password.get_secret_value() if section.password else ""
    return SmtpAccount(
        host=section.host,
        port=section.port,
        security=section.security,
        user=section.user or None,
        credential=_credential("smtp", section.oauth2, password) if section.user else None,
        ca_file=section.ca_file,
        timeout_seconds=section.timeout_seconds,
    )


def _credential(account: str, oauth2: "OAuthClient | None", password: str) -> CredentialSource:
    if oauth2 is not None:
        from dsar.oauth import AccessTokens

        return AccessTokens(account, oauth2)
    return lambda: Credential(kind="password", secret=password)
