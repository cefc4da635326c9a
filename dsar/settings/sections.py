"""
The sections of the settings file, each key with its type, unit and default.

Effects: none. An empty value counts as not given. Relative paths and SQLite files are relative to the settings file,
whose folder is the validation context.
"""

import base64
import binascii
import configparser
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretBytes,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dsar.approval import Role
from dsar.identifiers import normalise
from dsar.mailserver import Security, plain_is_refused
from dsar.model import IdentifierType
from dsar.oauth import OAuthClient
from dsar.sms import ELKS_URL, Provider, is_allowed

_SWITCHES = {**configparser.ConfigParser.BOOLEAN_STATES, "ja": True, "nej": False}
_MASTER_KEY_BYTES = 32
#: What a field of a web form can hold: what is asked, or an identifier.
FormField = Literal[
    "message", "name", "email", "phone", "customer_no", "order_no", "serial", "personnummer", "national_id", "orgnr",
    "username", "address",
]  # fmt: skip
_SQLITE = "sqlite:///"


# ------------------------------------------------------------------------------------------------- kinds of values


# Defaults pass through these, too; they have their type already.


def _switch(text: object) -> object:
    state = _SWITCHES.get(str(text).lower())
    if state is None:
        raise ValueError("must be on or off")
    return state


def _items(text: object) -> object:
    """One item per line, or all on one line with commas between them."""
    if not isinstance(text, str):
        return text
    parts = text.split("\n" if "\n" in text else ",")
    return tuple(part.strip() for part in parts if part.strip())


def _days(text: object) -> object:
    """Dates and FROM..TO, both ends included."""
    if not isinstance(text, str):
        return text
    days: set[date] = set()
    for item in text.replace(",", " ").split():
        first_text, _, last_text = item.partition("..")
        try:
            first = date.fromisoformat(first_text)
            last = date.fromisoformat(last_text or first_text)
        except ValueError:
            raise ValueError(f"{item!r} is neither a date such as 2026-12-28 nor FROM..TO") from None
        if last < first:
            raise ValueError(f"{item!r} ends before it begins")
        days.update(first + timedelta(days=n) for n in range((last - first).days + 1))
    return frozenset(days)


def _folder(info: ValidationInfo) -> Path:
    folder: Path = info.context["folder"]  # type: ignore[index]  # settings.load always gives it
    return folder


def _beside_settings(path: Path, info: ValidationInfo) -> Path:
    return _folder(info) / path


def absolute_sqlite(url: str, folder: Path) -> str:
    """*url* with the path of a SQLite file made absolute; other URLs as they are."""
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path.startswith((":memory:", "file:")):
        return url
    return f"{_SQLITE}{folder / path}"


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for any other URL."""
    path = url.removeprefix(_SQLITE).partition("?")[0] if url.startswith(_SQLITE) else ""
    return None if not path or path.startswith((":memory:", "file:")) else Path(path)


def _database_url(url: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(absolute_sqlite(url.get_secret_value(), _folder(info)))


def _master_key(text: object) -> object:
    try:
        key = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _MASTER_KEY_BYTES:
        raise ValueError(f"must be {_MASTER_KEY_BYTES} random bytes in base64; 'dsar init' makes one")
    return key


def _address(text: str) -> str:
    identifier = normalise(IdentifierType.EMAIL, text)
    if identifier is None:
        raise ValueError("is no e-mail address")
    return identifier.value


def _language(text: str) -> str:
    if not re.fullmatch("[a-z]{2}", text.lower()):
        raise ValueError(f"{text!r} is no language code such as sv (ISO 639-1)")
    return text.lower()


def _domain(text: str) -> str:
    if normalise(IdentifierType.EMAIL, f"a@{text}") is None:
        raise ValueError("is no domain")
    return text.lower()


def _form_fields(text: object) -> object:
    """ "Namn = name, E-post = email": each label with what its field holds."""
    items = _items(text)
    if not isinstance(items, tuple):
        return items
    pairs = [(label.strip(), holds.strip()) for label, _, holds in (item.rpartition("=") for item in items)]
    allowed = get_args(FormField)
    for label, holds in pairs:
        if not label or holds not in allowed:
            raise ValueError(f"must be LABEL = WHAT, with WHAT one of {', '.join(allowed)}")
    return dict(pairs)


def _domains(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_domain, names))


_Text = Annotated[str, Field(min_length=1)]
_Switch = Annotated[bool, BeforeValidator(_switch)]
_Items = Annotated[tuple[str, ...], BeforeValidator(_items)]
_Domains = Annotated[tuple[str, ...], BeforeValidator(_items), AfterValidator(_domains)]
_FormFields = Annotated[dict[str, FormField], BeforeValidator(_form_fields), Field(min_length=1)]
_Days = Annotated[frozenset[date], BeforeValidator(_days)]
_Languages = Annotated[tuple[Annotated[str, AfterValidator(_language)], ...], BeforeValidator(_items)]
_File = Annotated[Path, AfterValidator(_beside_settings)]
_DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
_MasterKey = Annotated[SecretBytes, BeforeValidator(_master_key)]
_Address = Annotated[str, AfterValidator(_address)]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Count = Annotated[int, Field(ge=1, le=100_000)]


# --------------------------------------------------------------------------------------------------------- sections


class Section(BaseModel):
    """One section; its secrets may come from outside the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    secrets: ClassVar[frozenset[str]] = frozenset()


class ControllerSection(Section):
    """[controller]: who we are, for letterheads and Art. 13/15."""

    name: _Text
    orgnr: _Text
    address: _Text
    postcode_city: _Text
    country: _Text
    email: _Address
    phone: str = ""
    website: str = ""
    dpo: str = ""  #: Contact of the data protection officer.


class DatabaseSection(Section):
    """[database]: SQLAlchemy URLs of the data and of the key store, which is apart from them."""

    secrets = frozenset({"url", "keys_url"})
    url: _DatabaseUrl = SecretStr("sqlite:///dsar.db")
    keys_url: _DatabaseUrl = SecretStr("sqlite:///dsar-keys.db")
    create: _Switch = False  #: Make or upgrade the tables at the start: for trials, where nothing can be lost.


class VaultSection(Section):
    """[vault]: the key that opens the key store."""

    secrets = frozenset({"master_key"})
    master_key: _MasterKey


class _MailServer(Section):
    """What IMAP and SMTP have in common."""

    secrets = frozenset({"password", "oauth2_client_secret", "oauth2_refresh_token"})
    host: _Text
    security: Security = "tls"
    password: SecretStr | None = None
    oauth2_token_url: str = ""
    oauth2_client_id: str = ""
    oauth2_client_secret: SecretStr = SecretStr("")
    oauth2_refresh_token: SecretStr = SecretStr("")
    oauth2_scope: str = ""
    oauth2_renewed_token_path: _File | None = None
    ca_file: _File | None = None

    @field_validator("security")
    @classmethod
    def _encrypted(cls, security: Security, info: ValidationInfo) -> Security:
        if plain_is_refused(info.data.get("host", ""), security):
            raise ValueError("plain is for servers on this machine only")
        return security

    @model_validator(mode="after")
    def _one_way_to_log_in(self) -> "_MailServer":
        if self.oauth2 is not None and self.password is not None:
            raise ValueError("give either a password or oauth2_token_url, not both")
        return self

    @property
    def oauth2(self) -> OAuthClient | None:
        """Where access tokens come from; None without oauth2_token_url."""
        if not self.oauth2_token_url:
            return None
        return OAuthClient(
            token_url=self.oauth2_token_url,
            client_id=self.oauth2_client_id,
            client_secret=self.oauth2_client_secret.get_secret_value(),
            refresh_token=self.oauth2_refresh_token.get_secret_value(),
            scope=self.oauth2_scope,
            renewed_token_path=self.oauth2_renewed_token_path,
        )


class MailboxSection(_MailServer):
    """[mailbox.NAME]: a mailbox that people write to."""

    user: _Text
    port: _Port = Field(default_factory=lambda data: 993 if data.get("security") == "tls" else 143)
    folders: _Items = ("INBOX",)
    done_folder: _Text = "DSAR-Done"
    sent_folder: _Text = "Sent"

    @model_validator(mode="after")
    def _can_log_in(self) -> "MailboxSection":
        if self.oauth2 is None and self.password is None:
            raise ValueError("needs a password or oauth2_token_url")
        return self


class SmtpSection(_MailServer):
    """[smtp]: the mail server that takes our letters."""

    user: str = ""
    port: _Port = Field(default_factory=lambda data: 465 if data.get("security") == "tls" else 587)
    sender: _Address
    sender_name: str = ""
    tag: _Switch = False

    @model_validator(mode="after")
    def _user_and_proof(self) -> "SmtpSection":
        if bool(self.user) != (self.oauth2 is not None or self.password is not None):
            raise ValueError("user belongs together with a password or oauth2_token_url")
        return self


class SmsSection(Section):
    """[sms]: the gateway that takes codes for phones on file."""

    secrets = frozenset({"password", "token"})
    provider: Provider = "none"
    url: str = Field(default_factory=lambda data: ELKS_URL if data.get("provider") == "46elks" else "")
    user: str = ""
    password: SecretStr | None = None
    token: SecretStr | None = None
    sender: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "SmsSection":
        if self.provider == "none":
            return self
        if not is_allowed(self.url):
            raise ValueError("url must be https")
        if self.provider == "46elks" and not (self.user and self.password and self.sender):
            raise ValueError("46elks needs user, password and sender")
        return self


class AuthenticationSection(Section):
    """[authentication]: whose word about sender addresses counts."""

    trusted: _Items = ()  #: authserv-ids (RFC 8601 s. 2.5) or "topmost".
    servers: _Items = ()  #: More mail servers of ours, whose Received headers are believed.
    known_domains: _Domains = ()  #: Domains of customers that somebody might imitate.
    dkim: _Switch = False


class TriageSection(Section):
    """[triage]: what tells our own mail from other mail, and how far the program sorts alone."""

    own_domain: Annotated[str, AfterValidator(_domain)] | None = None
    languages: _Languages = ("sv", "en", "no", "da")  #: ISO 639-1: handled without a person's confirmation.
    vocabulary: _File | None = None  #: Folder of phrases that this site adds.


class FormSection(Section):
    """[form.NAME]: a web form that mails what was entered."""

    sender: _Address
    fields: _FormFields  #: {label as the mail shows it: what the field holds}


class AutomaticSection(Section):
    """[automatic]: what goes out without approval (promise P3)."""

    acknowledgement: _Switch = True
    identity_check: _Switch = True
    contact_notice: _Switch = True
    marketing_stop: _Switch = False


class IdentitySection(Section):
    """[identity]"""

    on_file_days: _Count = 30
    protected_staff: _Items = ()  #: Log-ins.


class LettersSection(Section):
    """[letters]"""

    templates: _File | None = None
    handler: str | None = None
    backup_days: _Count | None = None
    bounce_wait_working_days: _Count = 3


class DeadlinesSection(Section):
    """[deadlines]"""

    closures: _Days = frozenset()


class RegisterSection(Section):
    """[register]: the register of processing activities (Art. 30)."""

    activities: _File


class SystemSection(Section):
    """[system.NAME]: a connected system; every other key is an option of its connector."""

    #: Options that may hold a secret, whichever the connector.
    secrets = frozenset(
        {"url", "write_url", "password", "token", "api_key", "client_secret", "refresh_token"}
        | {"write_password", "write_token", "write_client_secret", "write_refresh_token"}
    )
    connector: _Text
    declaration: _File
    owner: _Address | None = None
    options: dict[str, str] = Field(repr=False)

    @field_validator("options")
    @classmethod
    def _beside_settings(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        folder = _folder(info)
        return {key: _absolute_option(key, value, folder) for key, value in options.items()}


def _absolute_option(key: str, value: str, folder: Path) -> str:
    if key in {"path", "folder"} or key.endswith(("_path", "_folder", "_file")):
        return str(folder / value)
    return absolute_sqlite(value, folder)


class StaffSection(Section):
    """[staff]: how the work is divided."""

    separation: _Switch = True
    single_approver: _Switch = False


class MemberSection(Section):
    """[staff.LOGIN]: a member of staff, under the name of their login."""

    role: Role
    name: _Text  #: Full name, as letters show it.
    email: _Address


class HealthSection(Section):
    """[health]: how a silent failure of the mailbox is noticed."""

    self_test: _Switch = False
    self_test_address: _Address | None = None  #: None: the address of [controller].
    alarm_address: _Address | None = None
    alarm_after_hours: _Count = 4
    metrics_file: _File | None = None


class RetentionSection(Section):
    """[retention]: how long dsar itself keeps what it holds (Art. 5(1)(e))."""

    noise_days: _Count = 30
    findings_days: _Count = 30
    export_days: _Count = 90
    case_months: _Count = 24
    register_years: _Count = 5


#: Sections that stand once, in the order of settings.example.ini.
SINGLE: dict[str, type[Section]] = {
    "controller": ControllerSection,
    "database": DatabaseSection,
    "vault": VaultSection,
    "smtp": SmtpSection,
    "sms": SmsSection,
    "authentication": AuthenticationSection,
    "triage": TriageSection,
    "automatic": AutomaticSection,
    "identity": IdentitySection,
    "letters": LettersSection,
    "deadlines": DeadlinesSection,
    "register": RegisterSection,
    "staff": StaffSection,
    "health": HealthSection,
    "retention": RetentionSection,
}

#: Sections that stand once per NAME: [mailbox.NAME].
NAMED: dict[str, type[Section]] = {
    "mailbox": MailboxSection,
    "form": FormSection,
    "system": SystemSection,
    "staff": MemberSection,
}
