"""
settings.ini -> Settings, or all its faults at once.

Effects: reads the settings file, files that hold secrets and the environment it is given; runs `*_cmd` commands.
Nothing is read at import.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dsar.approval import Role
from dsar.errors import SettingsError
from dsar.model import Controller, Look
from dsar.settings.reading import SecretSources, environment_name, read_ini
from dsar.settings.sections import (
    NAMED,
    SINGLE,
    AuthenticationSection,
    AutomaticSection,
    BackupSection,
    ColleagueSection,
    DatabaseSection,
    DeadlinesSection,
    FormSection,
    HealthSection,
    IdentitySection,
    LettersSection,
    MailboxSection,
    MemberSection,
    RegisterSection,
    RetentionSection,
    Section,
    SmsSection,
    SmtpSection,
    StaffSection,
    StatisticsSection,
    SystemSection,
    TriageSection,
    VaultSection,
)
from dsar.settings.values import sqlite_file

__all__ = [
    "ColleagueSection",
    "MailboxSection",
    "MemberSection",
    "RetentionSection",
    "Settings",
    "SmtpSection",
    "SystemSection",
    "load",
]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: What SQLite writes beside a database; see sqlite.org/tempfiles.html.
_SQLITE_COMPANIONS = ("-wal", "-shm", "-journal")
#: What settings.example.ini holds in place of what only the company knows.
PLACEHOLDER = "CHANGE-ME"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole settings file; secrets do not show in its repr."""

    file: Path
    controller: Controller
    database: DatabaseSection
    vault: VaultSection
    mailboxes: Mapping[str, MailboxSection]  #: {NAME: [mailbox.NAME]}; never empty.
    smtp: SmtpSection
    sms: SmsSection
    authentication: AuthenticationSection
    triage: TriageSection
    automatic: AutomaticSection
    identity: IdentitySection
    letters: LettersSection
    deadlines: DeadlinesSection
    register: RegisterSection
    forms: Mapping[str, FormSection]  #: {NAME: [form.NAME]}
    systems: Mapping[str, SystemSection]  #: {NAME: [system.NAME]}
    staff: StaffSection
    members: Mapping[str, MemberSection]  #: {LOGIN: [staff.LOGIN]}
    colleagues: Mapping[str, ColleagueSection]  #: {NAME: [colleague.NAME]}
    health: HealthSection
    retention: RetentionSection
    backup: BackupSection
    statistics: StatisticsSection
    secret_files: frozenset[Path] = frozenset()  #: Files that hold secrets; the settings file only if it holds some.

    # What the use cases ask, wherever it stands in the file.

    @property
    def own_domain(self) -> str:
        """Domain of our Message-IDs and of mail from ourselves; that of the sender unless given."""
        return self.triage.own_domain or self.smtp.sender.rpartition("@")[2]

    @property
    def own_addresses(self) -> frozenset[str]:
        """Addresses that are ours: never a requester, and never answered by a machine."""
        users = {mailbox.user.lower() for mailbox in self.mailboxes.values() if "@" in mailbox.user}
        return frozenset({self.smtp.sender, self.controller.email} | users)

    @property
    def smtp_sender(self) -> str:
        return self.smtp.sender

    @property
    def smtp_sender_name(self) -> str:
        return self.smtp.sender_name or self.controller.name

    @property
    def trusted_authserv_ids(self) -> tuple[str, ...]:
        return self.authentication.trusted

    @property
    def own_servers(self) -> tuple[str, ...]:
        """Mail servers of ours, by their names or parent domains."""
        return (*self.authentication.trusted, *self.authentication.servers, self.own_domain)

    @property
    def automatic_acknowledgement(self) -> bool:
        return self.automatic.acknowledgement

    @property
    def automatic_identity_check(self) -> bool:
        return self.automatic.identity_check

    @property
    def automatic_contact_notice(self) -> bool:
        return self.automatic.contact_notice

    @property
    def automatic_marketing_stop(self) -> bool:
        return self.automatic.marketing_stop

    @property
    def bounce_wait_working_days(self) -> int:
        return self.letters.bounce_wait_working_days

    @property
    def look(self) -> Look:
        """How documents look."""
        return Look(accent=self.letters.accent, tint=self.letters.tint, logo=self.letters.logo)

    @property
    def templates_folder(self) -> Path | None:
        """Folder of letter templates that come before the shipped ones."""
        return self.letters.templates

    @property
    def default_handler(self) -> str | None:
        """Login of who gets new cases."""
        return self.letters.handler

    @property
    def backup_days(self) -> int | None:
        return self.letters.backup_days

    @property
    def case_retention_months(self) -> int:
        return self.retention.case_months

    @property
    def closures(self) -> frozenset[date]:
        return self.deadlines.closures

    @property
    def single_approver(self) -> bool:
        return self.staff.single_approver

    @property
    def private_files(self) -> tuple[Path, ...]:
        """Files that only the service user may read: databases with their companions, secrets, tokens."""
        urls = (self.database.url, self.database.keys_url)
        databases = [path for url in urls if (path := sqlite_file(url.get_secret_value())) is not None]
        companions = [path.with_name(f"{path.name}{suffix}") for path in databases for suffix in _SQLITE_COMPANIONS]
        servers = (*self.mailboxes.values(), self.smtp)
        tokens = [path for server in servers if (path := server.oauth2_renewed_token_path) is not None]
        kept = ("renewed_token_path", "write_renewed_token_path")
        tokens += [Path(each.options[key]) for each in self.systems.values() for key in kept if key in each.options]
        return tuple(dict.fromkeys([*databases, *companions, *sorted(self.secret_files), *tokens]))

    @property
    def self_test_address(self) -> str:
        """Where self-tests go: the public address, so that they travel the way that people's mails do."""
        return self.health.self_test_address or self.controller.email

    def staff_name(self, login: str | None) -> str | None:
        """Full name of a member of staff, None for anybody else."""
        member = self.members.get(login or "")
        return member.name if member else None

    def colleague(self, address: str) -> ColleagueSection | None:
        """Who answers at *address*; a member of staff is a colleague, too."""
        for each in self.colleagues.values():
            if each.email == address:
                return each
        member = next((each for each in self.members.values() if each.email == address), None)
        return ColleagueSection(name=member.name, email=member.email) if member else None

    def reached(self, login: str | None, today: date) -> MemberSection | None:
        """The member of staff to turn to for what *login* handles: themselves, or who stands in while they are away."""
        member, seen = self.members.get(login or ""), {login}
        while member is not None and today in member.absent and member.deputy not in {None, *seen}:
            seen.add(member.deputy)
            member = self.members.get(member.deputy or "")
        return member

    def stands_in_for(self, login: str, today: date) -> frozenset[str]:
        """The logins whose cases are *login*'s today: their own, and those of the absent for whom they stand in."""
        own = self.members.get(login)
        return frozenset({login, *(each for each in self.members if self.reached(each, today) is own is not None)})

    def roles(self, login: str) -> frozenset[Role]:
        """Roles of a member of staff, none for anybody else."""
        member = self.members.get(login)
        return frozenset({member.role}) if member else frozenset()


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """
    The settings in *path*; secrets by environment, systemd credential, `KEY_file`, `KEY_cmd` or the file itself.

    Raises: SettingsError with one line per fault: "FILE: [section] key: what is wrong".
    """
    return _Loader(path, environ).load()


class _Loader:
    """One reading of one file; gathers faults as it goes."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._folder = path.absolute().parent
        self._faults: list[str] = []
        self._secrets = SecretSources(environ=environ, folder=self._folder, report=self._report)
        self._holds_secrets = False

    def load(self) -> Settings:
        raw = read_ini(self._path, self._secrets.environ)
        present = frozenset(raw)
        for section, values in raw.items():
            for key in [key for key, value in values.items() if PLACEHOLDER in value]:
                self._report(section, key, f"still holds {PLACEHOLDER}")
        single = {name: self._section(name, kind, raw.pop(name, {})) for name, kind in SINGLE.items()}
        named = {kind: self._named(kind, raw) for kind in NAMED}
        for section in raw:
            self._report(section, "", f"is unknown{_guess(section, [*SINGLE, *(f'{kind}.NAME' for kind in NAMED)])}")
        if not any(section.startswith("mailbox.") for section in present):
            self._report("mailbox.NAME", "", "is missing: at least one mailbox is needed")
        letters = single["letters"]
        handler = letters.handler if isinstance(letters, LettersSection) else None
        if handler is not None and f"staff.{handler}" not in present:
            self._report("letters", "handler", f"there is no [staff.{handler}]")
        for kind in ("colleague", "staff"):
            for name, each in named[kind].items():
                deputy = each.deputy if isinstance(each, ColleagueSection | MemberSection) else None
                if deputy is not None and (deputy == name or f"{kind}.{deputy}" not in present):
                    self._report(f"{kind}.{name}", "deputy", f"there is no other [{kind}.{deputy}]")
        named_staff = single["identity"]
        for login in named_staff.protected_staff if isinstance(named_staff, IdentitySection) else ():
            if f"staff.{login}" not in present:
                self._report("identity", "protected_staff", f"there is no [staff.{login}]")
        if self._faults:
            raise SettingsError(self._faults)
        # Without faults, every section is there and of its own type.
        whole: dict[str, Any] = single | {"mailboxes": named["mailbox"], "systems": named["system"]}
        whole["members"] = named["staff"]
        whole["forms"] = named["form"]
        whole["colleagues"] = named["colleague"]
        whole["controller"] = Controller(**whole["controller"].model_dump())
        itself = {self._path.absolute()} if self._holds_secrets else set()
        return Settings(file=self._path, secret_files=frozenset(self._secrets.files | itself), **whole)

    def _named(self, kind: str, raw: dict[str, dict[str, str]]) -> dict[str, Section]:
        found: dict[str, Section] = {}
        for section in [name for name in raw if name.startswith(f"{kind}.")]:
            values = raw.pop(section)
            name = section.removeprefix(f"{kind}.")
            if not _NAME.fullmatch(name):
                self._report(section, "", "its name may hold letters a-z, digits, '.', '-' and '_' only")
            elif (parsed := self._section(section, NAMED[kind], values)) is not None:
                found[name] = parsed
        return found

    def _section(self, section: str, kind: type[Section], values: dict[str, str]) -> Section | None:
        for key in sorted(kind.secrets):
            self._holds_secrets |= key in values and sqlite_file(values[key]) is None
            self._secrets.find(section, key, values)
        given: dict[str, object] = {**values}
        if kind is SystemSection:
            own = set(SystemSection.model_fields) - {"options"}
            given = {key: values[key] for key in own & values.keys()}
            given["options"] = {key: value for key, value in values.items() if key not in own}
        try:
            return kind.model_validate(given, context={"folder": self._folder})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                if detail["type"] != "default_factory_not_called":  # only follows from another fault
                    self._report(section, str(detail["loc"][0]) if detail["loc"] else "", _words(detail, section, kind))
            return None

    def _report(self, section: str, key: str, what: str) -> None:
        self._faults.append(f"{self._path}: [{section}]{' ' if key else ''}{key}: {what}")


def _words(detail: ErrorDetails, section: str, kind: type[Section]) -> str:
    """What is wrong with one value, without the value."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            key = str(detail["loc"][0])
            elsewhere = f" ({environment_name(section, key)}, {key}_file or {key}_cmd give it too)"
            return f"is missing{elsewhere if key in kind.secrets else ''}"
        case "extra_forbidden":
            return f"is unknown{_guess(str(detail['loc'][0]), kind.model_fields)}"
        case "literal_error" | "enum":
            return f"must be {context['expected']}"
        case "int_parsing":
            return "must be a whole number"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "value_error":
            return str(context["error"])
        case _:
            return detail["msg"]


def _guess(word: str, known: Any) -> str:  # noqa: ANN401  # any iterable of names
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
