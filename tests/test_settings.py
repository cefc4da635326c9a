"""The settings file: its meaning, its faults, where secrets come from, and that the example is complete."""

import re
import stat
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from dsar.approval import Role
from dsar.errors import SettingsError
from dsar.settings import PLACEHOLDER, Settings, load
from dsar.settings.sections import NAMED, SINGLE, Section, SystemSection
from dsar.settings.values import contrast

EXAMPLE = Path(__file__).parent.parent / "settings.example.ini"

#: base64 of 32 bytes
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

SMALLEST = f"""
[controller]
name = Xelent Office Sweden AB
orgnr = 556402-9584
address = Kontorsgatan 1
postcode_city = 302 00 Halmstad
country = Sverige
email = GDPR@xelent.se
[vault]
master_key = {KEY}
[mailbox.privacy]
host = imap.xelent.se
user = privacy@xelent.se
password = pass%word;#1
[smtp]
host = smtp.xelent.se
sender = gdpr@xelent.se
[register]
activities = register.toml
"""

Loads = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path) -> Loads:
    """Loads SMALLEST with *more* lines behind it."""

    def loads(more: str = "", environ: Mapping[str, str] | None = None, *, text: str = SMALLEST) -> Settings:
        file = tmp_path / "settings.ini"
        file.write_text(text + more, "utf-8")
        return load(file, environ or {})

    return loads


def _faults(settings: Loads, more: str = "", **how: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        settings(more, **how)
    return [fault.rpartition("settings.ini")[2].removeprefix(": ") for fault in raised.value.problems]


# ------------------------------------------------------------------------------------------------------- meaning


def test_the_smallest_file_gives_safe_defaults(settings: Loads) -> None:
    result = settings()
    mailbox = result.mailboxes["privacy"]
    assert (mailbox.security, mailbox.port, mailbox.folders) == ("tls", 993, ("INBOX",))
    assert (result.smtp.port, result.smtp.user, result.smtp.oauth2) == (465, "", None)
    assert (result.trusted_authserv_ids, result.staff.separation, result.single_approver) == ((), True, False)
    assert (result.automatic_acknowledgement, result.automatic.marketing_stop) == (True, False)
    assert (result.automatic_identity_check, result.automatic_contact_notice) == (True, True)
    assert (result.systems, result.members, result.closures) == ({}, {}, frozenset())


def test_what_the_use_cases_ask(settings: Loads) -> None:
    result = settings("""
[letters]
handler = eva.ek
backup_days = 7
[retention]
case_months = 12
[staff.eva.ek]
role = approver
name = Eva Ek
email = eva@xelent.se
""")
    assert result.controller.email == "gdpr@xelent.se"
    assert (result.smtp_sender, result.smtp_sender_name) == ("gdpr@xelent.se", "Xelent Office Sweden AB")
    assert (result.own_domain, result.own_addresses) == (
        "xelent.se",
        frozenset({"gdpr@xelent.se", "privacy@xelent.se"}),
    )
    assert (result.default_handler, result.backup_days, result.case_retention_months) == ("eva.ek", 7, 12)
    assert (result.staff_name("eva.ek"), result.roles("eva.ek")) == ("Eva Ek", frozenset({Role.APPROVER}))
    assert (result.staff_name("olle"), result.staff_name(None), result.roles("olle")) == (None, None, frozenset())


def test_a_percent_sign_and_a_semicolon_in_a_password_are_part_of_it(settings: Loads) -> None:
    password = settings().mailboxes["privacy"].password
    assert password is not None
    assert password.get_secret_value() == "pass%word;#1"


def test_variables_of_the_environment_stand_in_any_value(settings: Loads) -> None:
    more = "[automatic]\nacknowledgement = ${ACK:-off}\n[system.crm]\nconnector = rest\ndeclaration = crm.toml\n"
    more += "url = http://127.0.0.1:${CRM_PORT:-8010}/${CRM_PATH}\nuser = $${not_ours}\n"

    given = settings(more, {"CRM_PORT": "9000", "CRM_PATH": "a b"})
    left_out = settings(more, {"CRM_PATH": "api"})

    assert given.systems["crm"].options == {"url": "http://127.0.0.1:9000/a b", "user": "${not_ours}"}
    assert left_out.systems["crm"].options["url"] == "http://127.0.0.1:8010/api"
    assert not left_out.automatic.acknowledgement
    assert _faults(settings, more) == ["[system.crm] url: the environment has no CRM_PATH"]


@pytest.mark.parametrize(
    ("text", "state"), [("ja", True), ("nej", False), ("On", True), ("off", False), ("1", True), ("false", False)]
)
def test_switches_are_read_in_swedish_and_english(settings: Loads, text: str, *, state: bool) -> None:
    assert settings(f"[staff]\nsingle_approver = {text}\n").single_approver is state


def test_lists_stand_on_one_line_or_one_item_per_line(settings: Loads) -> None:
    extra = "[mailbox.info]\nhost = h\nuser = u\npassword = p\nfolders ="
    assert settings(f"{extra} INBOX, Skräp\n").mailboxes["info"].folders == ("INBOX", "Skräp")
    assert settings(f"{extra}\n  INBOX\n  Kunder, gamla\n").mailboxes["info"].folders == ("INBOX", "Kunder, gamla")


def test_closures_are_days_and_periods(settings: Loads) -> None:
    closures = settings("[deadlines]\nclosures = 2026-12-23, 2026-12-28..2026-12-30\n").closures
    assert closures == {date(2026, 12, 23), date(2026, 12, 28), date(2026, 12, 29), date(2026, 12, 30)}


def test_paths_and_sqlite_files_are_relative_to_the_settings_file(settings: Loads, tmp_path: Path) -> None:
    result = settings("""
[system.shop]
connector = sql
declaration = shop.toml
url = sqlite:///shop.db?mode=ro
write_url = sqlite:////var/shop.db
[system.files]
connector = files
declaration = /etc/dsar/files.toml
folder = register
""")
    assert result.register.activities == tmp_path / "register.toml"
    assert result.database.url.get_secret_value() == f"sqlite:///{tmp_path}/dsar.db"
    assert result.systems["shop"].options == {
        "url": f"sqlite:///{tmp_path}/shop.db?mode=ro",
        "write_url": "sqlite:////var/shop.db",
    }
    assert result.systems["files"].declaration == Path("/etc/dsar/files.toml")
    assert result.systems["files"].options == {"folder": f"{tmp_path}/register"}


def test_plain_connections_are_for_this_machine_only(settings: Loads) -> None:
    more = "[mailbox.info]\nhost = {}\nsecurity = plain\nuser = u\npassword = p\n"
    assert settings(more.format("127.0.0.1")).mailboxes["info"].port == 143
    assert _faults(settings, more.format("imap.xelent.se")) == [
        "[mailbox.info] security: plain is for servers on this machine only"
    ]


def test_oauth2_in_place_of_a_password(settings: Loads) -> None:
    more = """
[mailbox.info]
host = outlook.office365.com
user = info@xelent.se
oauth2_token_url = https://login.example/token
oauth2_client_id = dsar
oauth2_client_secret = hush
"""
    client = settings(more).mailboxes["info"].oauth2
    assert client is not None
    assert (client.client_id, client.client_secret) == ("dsar", "hush")
    assert _faults(settings, f"{more}password = p\n") == [
        "[mailbox.info]: give either a password or oauth2_token_url, not both"
    ]


# -------------------------------------------------------------------------------------------------------- faults


def test_all_faults_are_told_at_once_with_section_and_key(settings: Loads) -> None:
    text = SMALLEST.replace("host = imap.xelent.se\n", "").replace(KEY, "short")
    more = """
[triage]
own_domian = xelent.se
[retention]
noise_days = many
case_months = 0
[automatic]
acknowledgement = perhaps
[deadlines]
closures = 2026-12-30..2026-12-28
[letters]
handler = eva
[staff.olle]
role = boss
name = Olle
email = olle
[mailbox.info]
host = h
user = u
oauth2_token_url = http://login.example/
[smpt]
host = h
"""
    assert sorted(_faults(settings, more, text=text)) == sorted(
        [
            "[mailbox.privacy] host: is missing",
            "[vault] master_key: must be 32 random bytes in base64; 'dsar init' makes one",
            "[triage] own_domian: is unknown; did you mean 'own_domain'?",
            "[retention] noise_days: must be a whole number",
            "[retention] case_months: must be at least 1",
            "[automatic] acknowledgement: must be on or off",
            "[deadlines] closures: '2026-12-30..2026-12-28' ends before it begins",
            "[letters] handler: there is no [staff.eva]",
            "[staff.olle] role: must be 'handler', 'approver' or 'admin'",
            "[staff.olle] email: is no e-mail address",
            "[mailbox.info]: the token URL must begin with https://",
            "[smpt]: is unknown; did you mean 'smtp'?",
        ]
    )


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("[smtp]\n", r"\d+: \[smtp\] stands twice"),
        ("[letters]\nhandler = a\nhandler = b\n", r"\d+: \[letters\] handler: stands twice"),
        ("[letters]\nhunter2\n", r"\d+: is neither \[section\] nor 'key = value'"),
        ("[mailbox.a b]\nhost = h\n", r"\[mailbox.a b\]: its name may hold letters"),
        ("[mailbox.b]\nhost = h\nuser = u\n", r"\[mailbox.b\]: needs a password or oauth2_token_url"),
        ("[system.x]\n", r"\[system.x\] connector: is missing"),
        ("[triage]\nown_domain = http://x\n", r"\[triage\] own_domain: is no domain"),
        ("[retention]\nnoise_days = 1000000\n", r"\[retention\] noise_days: must be at most 100000"),
        ("[deadlines]\nclosures = midsommar\n", r"\[deadlines\] closures: 'midsommar' is neither a date"),
    ],
)
def test_single_faults(settings: Loads, more: str, fault: str) -> None:
    found = _faults(settings, more)
    assert re.match(fault, found[0].removeprefix(":")), found


def test_a_smtp_user_without_a_password_is_a_fault(settings: Loads) -> None:
    text = SMALLEST.replace("sender = ", "user = dsar\nsender = ")
    assert _faults(settings, text=text) == ["[smtp]: user belongs together with a password or oauth2_token_url"]


def test_without_a_mailbox_there_is_nothing_to_do(settings: Loads) -> None:
    text = SMALLEST.replace("[mailbox.privacy]", "[unknown]")
    assert "[mailbox.NAME]: is missing: at least one mailbox is needed" in _faults(settings, text=text)


def test_a_missing_secret_tells_where_it_may_stand(settings: Loads) -> None:
    text = SMALLEST.replace(f"master_key = {KEY}", "")
    assert _faults(settings, text=text) == [
        "[vault] master_key: is missing (DSAR_VAULT_MASTER_KEY, master_key_file or master_key_cmd give it too)"
    ]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere.ini: cannot be read \(No such file or directory\)"):
        load(tmp_path / "nowhere.ini", {})


def test_a_line_before_the_first_section_and_a_foreign_encoding_are_faults(settings: Loads, tmp_path: Path) -> None:
    assert _faults(settings, text="host = h\n") == [":1: stands before the first [section]"]
    (tmp_path / "latin.ini").write_bytes("[controller]\nname = Åke".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"latin.ini: is not UTF-8"):
        load(tmp_path / "latin.ini", {})


def test_neither_faults_nor_settings_show_secrets(settings: Loads) -> None:
    more = "[mailbox.info]\nhost = h\nsecurity = wrong\nuser = u\npassword = hunter2\n"
    assert "hunter2" not in "\n".join(_faults(settings, more))
    shop = "[system.shop]\nconnector = sql\ndeclaration = d\nurl = postgresql://u:hunter2@h/d\n"
    shown = repr(settings(more.replace("wrong", "tls") + shop))
    assert "hunter2" not in shown
    assert "pass%word" not in shown
    assert KEY not in shown


# ------------------------------------------------------------------------------------------------------- secrets


def _password(result: Settings) -> str:
    password = result.mailboxes["info"].password
    return password.get_secret_value() if password else ""


def test_the_first_place_that_has_a_secret_counts(settings: Loads, tmp_path: Path) -> None:
    """Environment, systemd credential, file, command, settings file."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "mailbox.info.password").write_text("from credential\n")
    (tmp_path / "secret").write_text("from file\n")
    section = "[mailbox.info]\nhost = h\nuser = u\n"
    value, command, file = "password = from ini\n", "password_cmd = echo 'from command'\n", "password_file = secret\n"
    credential = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    path = {"PATH": "/usr/bin:/bin"}

    assert _password(settings(section + value)) == "from ini"
    assert _password(settings(section + value + command, path)) == "from command"
    assert _password(settings(section + value + command + file, path)) == "from file"
    assert _password(settings(section + value + command + file, path | credential)) == "from credential"
    environment = {"DSAR_MAILBOX_INFO_PASSWORD": "from environment"}
    assert _password(settings(section + value + command + file, path | credential | environment)) == "from environment"


def test_secrets_of_a_system_come_from_the_same_places(settings: Loads) -> None:
    section = "[system.erp-1]\nconnector = sql\ndeclaration = d.toml\n"
    result = settings(section, {"DSAR_SYSTEM_ERP_1_URL": "postgresql://u:p@h/d"})
    assert result.systems["erp-1"].options == {"url": "postgresql://u:p@h/d"}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("password_file = nowhere", "password_file: cannot be read (No such file or directory)"),
        ("password_cmd = sh -c 'echo hunter2 >&2; exit 3'", "password_cmd: failed with exit code 3"),
        ("password_cmd = /nowhere", "password_cmd: cannot be started (No such file or directory)"),
        ("password_cmd = 'unclosed", "password_cmd: is no command"),
        (r"password_cmd = printf \\377", "password_cmd: printed what is not UTF-8"),
        ("password_file = binary", "password_file: names a file that is not UTF-8"),
    ],
)
def test_a_secret_that_cannot_be_had_is_a_fault(settings: Loads, tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff")
    found = _faults(settings, f"[mailbox.info]\nhost = h\nuser = u\n{line}\n")
    assert found[0] == f"[mailbox.info] {fault}"


def test_commands_are_not_given_to_a_shell(settings: Loads, tmp_path: Path) -> None:
    script = tmp_path / "show"
    script.write_text('#!/bin/sh\nprintf %s "$#:$1"\n')
    script.chmod(stat.S_IRWXU)
    more = f"[mailbox.info]\nhost = h\nuser = u\npassword_cmd = {script} $HOME;id\n"
    assert _password(settings(more)) == "1:$HOME;id"


# ------------------------------------------------------------------------------------------------------ example


def _filled() -> str:
    text = EXAMPLE.read_text("utf-8")
    return text.replace(f"master_key = {PLACEHOLDER}", f"master_key = {KEY}").replace(PLACEHOLDER, "acme")


def _example_keys() -> dict[str, dict[str, tuple[str, str]]]:
    """{section: {key: (comment above it, value)}} as the example stands there."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    section, comment = "", ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            comment += line.removeprefix("#")
        elif line.startswith("["):
            section, comment = line.strip("[]"), ""
            found[section] = {}
        elif "=" in line:
            key, _, value = line.partition("=")
            found[section][key.strip()] = (comment.strip(), value.strip())
            comment = ""
        else:
            comment = ""
    return found


def _example_sections() -> dict[str, type[Section]]:
    return {name: SINGLE[name] if name in SINGLE else NAMED[name.split(".")[0]] for name in _example_keys()}


def test_the_example_loads_when_it_is_filled_in(settings: Loads) -> None:
    result = settings(text=_filled())
    assert (len(result.mailboxes), len(result.systems), len(result.members)) == (1, 1, 1)


def test_the_example_as_it_is_names_everything_to_fill_in() -> None:
    with pytest.raises(SettingsError) as raised:
        load(EXAMPLE, {})
    placeholders = [fault for fault in raised.value.problems if fault.endswith(f"still holds {PLACEHOLDER}")]
    lines = [line for line in EXAMPLE.read_text("utf-8").splitlines() if re.match(rf"[a-z].*{PLACEHOLDER}", line)]
    assert len(placeholders) == len(lines) > 10


def test_the_example_holds_every_section_and_every_key() -> None:
    sections = _example_sections()
    assert {name.split(".")[0] if name not in SINGLE else name for name in sections} == SINGLE.keys() | NAMED.keys()
    assert {name.split(".")[0] for name in sections if name not in SINGLE} == NAMED.keys()
    for name, kind in sections.items():
        own = kind.model_fields.keys() - ({"options"} if kind is SystemSection else set())
        missing = own - _example_keys()[name].keys()
        assert not missing, f"[{name}] lacks {missing}"


@pytest.mark.parametrize(
    ("section", "key"), [(section, key) for section, keys in _example_keys().items() for key in keys if key != "url"]
)
def test_every_key_is_explained_with_its_unit_and_default(section: str, key: str) -> None:
    comment, value = _example_keys()[section][key]
    field = _example_sections()[section].model_fields[key]
    assert re.match(r"[A-Z].*\. ?", comment), "begins with a sentence"
    assert comment.endswith("Required.") if field.is_required() else re.search(r"Default: .+\.$", comment)
    assert ("Secret." in comment) == (key in _example_sections()[section].secrets)
    if re.search(r"_(days|months|years)$", key):
        assert f"in {'working ' if 'working' in key else ''}{key.rpartition('_')[2]}" in comment
    if not field.is_required() and value and PLACEHOLDER not in value:
        assert f"Default: {value}." in comment


def test_values_of_the_example_that_are_not_placeholders_are_the_defaults(settings: Loads) -> None:
    """A default in the comment can be believed: leaving the key out changes nothing."""
    whole = settings(text=_filled())
    sections = _example_sections()
    for section, keys in _example_keys().items():
        for key, (_, value) in keys.items():
            optional = not sections[section].model_fields[key].is_required() if key != "url" else False
            if optional and PLACEHOLDER not in value:
                head, bracket, rest = _filled().partition(f"[{section.replace(PLACEHOLDER, 'acme')}]")
                without = re.sub(rf"^{key} =.*$", "", rest, count=1, flags=re.MULTILINE)
                assert settings(text=head + bracket + without) == whole, f"[{section}] {key}"


def test_the_look_of_documents_is_the_companys(settings: Loads, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n...")
    look = settings("[letters]\nlogo = logo.png\naccent = #8A2B5B\ntint = #f6ebf1\n").look
    assert (look.accent, look.tint, look.logo) == ("#8a2b5b", "#f6ebf1", b"\x89PNG\r\n\x1a\n...")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("accent = red", "'red' is no colour such as #1f4e6b"),
        ("accent = #8ab", "'#8ab' is no colour such as #1f4e6b"),
        ("accent = #ffd200", "has a contrast of 1.5 to white paper; text needs 4.5 (WCAG 2.2, 1.4.3)"),
        ("tint = #1f4e6b", "has a contrast of 1.7 to the dark text on it; text needs 4.5 (WCAG 2.2, 1.4.3)"),
        ("logo = missing.png", "cannot be read: No such file or directory"),
        ("logo = settings.ini", "is neither a PNG nor a JPEG file"),
        ("logo = large.png", "has more than 300 kB; it stands in every letter"),
    ],
)
def test_a_look_that_cannot_be_read_is_refused(settings: Loads, tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300_000))
    (fault,) = _faults(settings, f"[letters]\n{line}\n")
    assert fault.endswith(why)


def test_contrast_is_that_of_the_standard() -> None:
    """WCAG 2.2: black on white is 21 to 1; #767676 is the lightest grey with 4.5."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") > 4.5 > contrast("#777777", "#ffffff")
