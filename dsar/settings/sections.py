"""
The sections of the settings file, each key with its type, unit and default.

Effects: reads the logo. An empty value counts as not given. Relative paths and SQLite files are relative to the
settings file, whose folder is the validation context.
"""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dsar.approval import Role
from dsar.mailserver import Security, plain_is_refused
from dsar.model import Look
from dsar.oauth import OAuthClient
from dsar.settings.values import (
    Address,
    Addresses,
    ColorOnWhite,
    ColorUnderText,
    Count,
    DatabaseUrl,
    Days,
    Domain,
    Domains,
    Filled,
    FormFields,
    Items,
    Languages,
    MasterKey,
    Picture,
    Port,
    SettingsFile,
    Switch,
    absolute_sqlite,
    settings_folder,
)
from dsar.sms import ELKS_URL, Provider, is_allowed


class Section(BaseModel):
    """One section; its secrets may come from outside the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)  # few are given
    secrets: ClassVar[frozenset[str]] = frozenset()


class ControllerSection(Section):
    """[controller]: who we are, for letterheads and Art. 13/15."""

    name: Filled
    orgnr: Filled
    address: Filled
    postcode_city: Filled
    country: Filled
    email: Address
    phone: str = ""
    website: str = ""
    dpo: str = ""  #: Contact of the data protection officer.


class DatabaseSection(Section):
    """[database]: SQLAlchemy URLs of the data and of the key store, which is apart from them."""

    secrets = frozenset({"url", "keys_url"})
    url: DatabaseUrl = SecretStr("sqlite:///dsar.db")
    keys_url: DatabaseUrl = SecretStr("sqlite:///dsar-keys.db")
    create: Switch = False  #: Make or upgrade the tables at the start: for trials, where nothing can be lost.


class VaultSection(Section):
    """[vault]: the key that opens the key store."""

    secrets = frozenset({"master_key"})
    master_key: MasterKey


class _MailServer(Section):
    """What IMAP and SMTP have in common."""

    secrets = frozenset({"password", "oauth2_client_secret", "oauth2_refresh_token"})
    host: Filled
    security: Security = "tls"
    password: SecretStr | None = None
    oauth2_token_url: str = ""
    oauth2_client_id: str = ""
    oauth2_client_secret: SecretStr = SecretStr("")
    oauth2_refresh_token: SecretStr = SecretStr("")
    oauth2_scope: str = ""
    oauth2_renewed_token_path: SettingsFile | None = None
    ca_file: SettingsFile | None = None

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

    user: Filled
    port: Port = Field(default_factory=lambda data: 993 if data.get("security") == "tls" else 143)
    folders: Items = ("INBOX",)
    done_folder: Filled = "DSAR-Done"
    sent_folder: Filled = "Sent"
    timeout_seconds: Count = 30

    @model_validator(mode="after")
    def _can_log_in(self) -> "MailboxSection":
        if self.oauth2 is None and self.password is None:
            raise ValueError("needs a password or oauth2_token_url")
        return self


class SmtpSection(_MailServer):
    """[smtp]: the mail server that takes our letters."""

    user: str = ""
    port: Port = Field(default_factory=lambda data: 465 if data.get("security") == "tls" else 587)
    sender: Address
    sender_name: str = ""
    tag: Switch = False
    size_limit_mb: Count = 20
    per_minute: Count | None = None
    per_day: Count | None = None
    timeout_seconds: Count = 60

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

    trusted: Items = ()  #: authserv-ids (RFC 8601 s. 2.5) or "topmost".
    servers: Items = ()  #: More mail servers of ours, whose Received headers are believed.
    known_domains: Domains = ()  #: Domains of customers that somebody might imitate.
    dkim: Switch = False


class TriageSection(Section):
    """[triage]: what tells our own mail from other mail, and how far the program sorts alone."""

    own_domain: Domain | None = None
    languages: Languages = ("sv", "en", "no", "da")  #: ISO 639-1: handled without a person's confirmation.
    vocabulary: SettingsFile | None = None  #: Folder of phrases that this site adds.


class FormSection(Section):
    """[form.NAME]: a web form that mails what was entered."""

    sender: Address
    fields: FormFields  #: {label as the mail shows it: what the field holds}


class AutomaticSection(Section):
    """[automatic]: what goes out without approval (promise P3)."""

    acknowledgement: Switch = True
    identity_check: Switch = True
    contact_notice: Switch = True
    marketing_stop: Switch = False


class IdentitySection(Section):
    """[identity]"""

    on_file_days: Count = 30
    protected_staff: Items = ()  #: Log-ins.


class LettersSection(Section):
    """[letters]"""

    templates: SettingsFile | None = None
    handler: str | None = None
    backup_days: Count | None = None
    bounce_wait_working_days: Count = 3
    approval_days: Count = 14
    open_at_low_risk: Switch = False
    logo: Picture | None = None
    accent: ColorOnWhite = Look().accent
    tint: ColorUnderText = Look().tint


class DeadlinesSection(Section):
    """[deadlines]"""

    closures: Days = frozenset()


class RegisterSection(Section):
    """[register]: the register of processing activities (Art. 30)."""

    activities: SettingsFile


class SystemSection(Section):
    """[system.NAME]: a connected system; every other key is an option of its connector."""

    #: Options that may hold a secret, whichever the connector.
    secrets = frozenset(
        {"url", "write_url", "password", "token", "api_key", "client_secret", "refresh_token"}
        | {"write_password", "write_token", "write_client_secret", "write_refresh_token"}
    )
    connector: Filled
    declaration: SettingsFile
    owner: Address | None = None
    options: dict[str, str] = Field(repr=False)

    @field_validator("options")
    @classmethod
    def _beside_settings(cls, options: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        folder = settings_folder(info)
        return {key: _absolute_option(key, value, folder) for key, value in options.items()}


def _absolute_option(key: str, value: str, folder: Path) -> str:
    if key in {"path", "folder"} or key.endswith(("_path", "_folder", "_file")):
        return str(folder / value)
    return absolute_sqlite(value, folder)


class StaffSection(Section):
    """[staff]: how the work is divided."""

    separation: Switch = True
    single_approver: Switch = False


class MemberSection(Section):
    """[staff.LOGIN]: a member of staff, under the name of their login."""

    role: Role
    name: Filled  #: Full name, as letters show it.
    email: Address
    deputy: str | None = None  #: LOGIN of the member of staff who stands in for them in their absence.
    absent: Days = frozenset()


class ColleagueSection(Section):
    """[colleague.NAME]: somebody outside the staff who answers for what an office or they themselves hold."""

    name: Filled  #: Full name; it signs what they say.
    email: Address
    language: Literal["sv", "en"] = "sv"
    deputy: str | None = None  #: NAME of the colleague who answers in their absence.
    absent: Days = frozenset()
    manager: Address | None = None  #: Told when neither answers.


class HealthSection(Section):
    """[health]: how a silent failure of the mailbox is noticed."""

    self_test: Switch = False
    self_test_address: Address | None = None  #: None: the address of [controller].
    alarm_address: Address | None = None
    alarm_after_hours: Count = 4
    metrics_file: SettingsFile | None = None


class RetentionSection(Section):
    """[retention]: how long dsar itself keeps what it holds (Art. 5(1)(e))."""

    noise_days: Count = 30
    findings_days: Count = 30
    export_days: Count = 90
    case_months: Count = 24
    register_years: Count = 5
    do_not_restore_days: Count = 400  #: Longer than any backup of a connected system is kept.


class BackupSection(Section):
    """[backup]: encrypted copies of database and key store, which age differently (promise P9)."""

    data_folder: SettingsFile | None = None
    keys_folder: SettingsFile | None = None
    data_days: Count = 30
    keys_days: Count = 7

    @model_validator(mode="after")
    def _apart(self) -> "BackupSection":
        if (self.data_folder is None) != (self.keys_folder is None):
            raise ValueError("data_folder and keys_folder belong together")
        if self.data_folder is not None and self.data_folder == self.keys_folder:
            raise ValueError("data_folder and keys_folder must differ: their copies must not age alike")
        return self


class StatisticsSection(Section):
    """[statistics]: who gets the figures of a month without asking."""

    management: Addresses = ()
    language: Literal["sv", "en"] = "sv"


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
    "backup": BackupSection,
    "statistics": StatisticsSection,
}

#: Sections that stand once per NAME: [mailbox.NAME].
NAMED: dict[str, type[Section]] = {
    "mailbox": MailboxSection,
    "form": FormSection,
    "system": SystemSection,
    "staff": MemberSection,
    "colleague": ColleagueSection,
}
