"""
Staff, roles and four eyes, with the users of a real machine: the program runs as a service user for several people.

Only root can run a program as other users; elsewhere nothing of this is proven. sudo is played by setting what it sets
(SUDO_UID, SUDO_USER) for a process of the service user; one test goes through the true sudo and the shipped rule.
"""

import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink
from servers.parts import missing, unproven

from .company import Company, Done

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]

#: Users that every Debian has, in parts that they do not know of.
SERVICE, HANDLER, APPROVER, SECOND_APPROVER, OUTSIDER = "nobody", "daemon", "bin", "sys", "games"

ERASE = "Hello,\n\nplease delete all personal data you hold about me.\n\nKind regards\nJohn Whitfield\n"
DECIDING = (
    ("sort", "CASE", "--not-request"),
    ("verify", "CASE", "--method", "id_shown"),
    ("decide", "CASE", "--accept"),
    ("approve", "CASE"),
    ("reject", "CASE", "--reason", "x"),
    ("refuse", "CASE", "--reasons", "x", "--law", "x"),
    ("release", "CASE", "--sent"),
    ("assign", "CASE", HANDLER),
    ("search", "--email", "john.whitfield@example.com"),
    ("review",),
    ("queue",),
    ("duties",),
    ("hold", "CASE", "--reason", "x"),
    ("withdraw", "CASE"),
    ("reopen", "CASE", "--reason", "x"),
    ("interim", "CASE", "--reason", "x"),
    *(("show", "CASE", f"--{side}") for side in ("message", "data", "plan", "letter", "timeline", "clock")),
)


class Office:
    """A company whose dsar runs as a service user, and people who call it."""

    def __init__(self, company: Company, python: Path, library: str) -> None:
        self.company = company
        self.python = python
        self.library = library
        self.settings = company.settings

    def private(self, service: str) -> None:
        """Give everything of the company to the service user, as an installation does."""
        user = pwd.getpwnam(service)
        for path in (self.company.folder, *self.company.folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
            path.chmod(0o755 if path.is_dir() else 0o600)

    def run(self, *arguments: str, user: str, environ: Mapping[str, str] | None = None, stdin: str = "") -> Done:
        """Run one command as *user*, with nothing but *environ*."""
        entry = pwd.getpwnam(user)
        done = subprocess.run(
            [str(self.python), "-m", "dsar", *self._settings(arguments), *arguments],
            env={"PYTHONPATH": self.library, "PATH": "/usr/bin:/bin", **(environ or {})},
            cwd="/",
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=[],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(exit_code=done.returncode, out=done.stdout, err=done.stderr)

    def _settings(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        return () if "--settings" in arguments else ("--settings", str(self.settings))

    def sudo(self, login: str, *arguments: str, stdin: str = "") -> Done:
        """Run one command as the service user for *login*, with what sudo would set."""
        sudo = {"SUDO_UID": str(pwd.getpwnam(login).pw_uid), "SUDO_USER": login}
        return self.run(*arguments, user=SERVICE, environ=sudo, stdin=stdin)

    def ok(self, login: str, *arguments: str) -> Done:
        """sudo() for what must succeed."""
        done = self.sudo(login, *arguments)
        assert done.exit_code == 0, f"dsar {' '.join(arguments)}: {done.exit_code}\n{done.out}\n{done.err}"
        return done


def _open_to_all(path: Path) -> bool:
    """Whether other users than root get there."""
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


@pytest.fixture(scope="session")
def library() -> Iterator[str]:
    """PYTHONPATH of the program for everybody: the checkout, or links to it where others cannot enter the checkout."""
    installed = Path(sysconfig.get_paths()["purelib"])
    if _open_to_all(ROOT) and _open_to_all(installed):
        yield f"{ROOT}:{installed}"
        return
    folder = Path(tempfile.mkdtemp(prefix="dsar-library-"))
    folder.chmod(0o755)
    try:
        shutil.copytree(installed, folder / "installed", copy_function=_link)
        for name in ("dsar", "connectors", "letter_templates"):
            shutil.copytree(ROOT / name, folder / "program" / name, copy_function=_link)
        yield f"{folder}/program:{folder}/installed"
    finally:
        shutil.rmtree(folder)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _python_for_everybody() -> Path:
    """This version of Python where other users than root may run it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.executable), Path("/usr/bin", name), Path("/usr/local/bin", name)):
        whole = candidate.resolve()
        if whole.exists() and _open_to_all(whole) and _open_to_all(candidate.parent):
            return candidate
    unproven(f"no {name} can be run by other users than root")
    raise AssertionError


@pytest.fixture
def office(dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str, library: str) -> Iterator[Office]:
    """The company of the journeys with separation, one handler and two approvers, and an erasure in review."""
    if os.geteuid() != 0:
        unproven("only root can run the program as several users")
    python = _python_for_everybody()
    folder = Path(tempfile.mkdtemp(prefix="dsar-"))
    try:
        company = Company(folder, dovecot_server, smtp_sink, mail_user)
        _separate(company)
        office = Office(company, python, library)
        office.private(SERVICE)
        company.write("John Whitfield <john.whitfield@example.com>", ERASE, subject="My data")
        polled = office.run("poll", user=SERVICE)
        assert polled.exit_code == 0, polled.err
        yield office
    finally:
        shutil.rmtree(folder)


def _separate(company: Company) -> None:
    text = company.settings.read_text("utf-8")
    for number, found in enumerate(re.findall(r"^ca_file = (.+)$", text, re.MULTILINE)):
        shutil.copy(found, company.folder / f"ca{number}.pem")
        text = text.replace(f"ca_file = {found}", f"ca_file = ca{number}.pem")
    text = text.replace("separation = off", "separation = on").replace("handler = anna", f"handler = {HANDLER}")
    text = text.partition("[staff.anna]")[0]
    for login, role in ((HANDLER, "handler"), (APPROVER, "approver"), (SECOND_APPROVER, "approver")):
        text += f"[staff.{login}]\nrole = {role}\nname = {login.title()} Berg\nemail = {login}@xelent.example\n"
    company.settings.write_text(text, "utf-8")


def _case(office: Office) -> str:
    """Reference of the erasure that waits for approval."""
    (waiting,) = office.ok(HANDLER, "queue", "--json").lines
    assert waiting["waits_for"] == "person: approve"
    return str(waiting["reference"])


# ------------------------------------------------------------------------------------ files that the caller chooses


def test_staff_cannot_use_the_service_users_rights_on_files(office: Office) -> None:
    """Settings of their own name commands to run, templates may be links to keys, and what is written overwrites."""
    folder = office.company.folder
    own = Path(tempfile.mkdtemp(prefix="dsar-own-"))
    try:
        own.chmod(0o777)
        (own / "evil.ini").write_text(f"[smtp]\npassword_cmd = touch {own}/ran\n", "utf-8")
        (own / "answer.pdf").symlink_to(folder / "dsar-keys.db")
        for command in (
            ("db", "move", "--to", str(own / "evil.ini")),
            ("init", "--folder", str(own / "new")),
            ("demo", "--folder", str(own / "demo")),
            ("restore", "--data", str(own / "evil.ini"), "--keys", str(own / "evil.ini")),
            ("letter", "check", str(own)),
            ("letter", "preview", "refusal", "--templates", str(own)),
            ("letter", "preview", "refusal", "--out", str(folder / "settings.ini")),
            ("system", "new", "files", "x", "--from", str(folder / "settings.ini"), "--to", str(own / "x.toml")),
            ("stats", "--format", "csv", "--to-file", str(folder / "settings.ini")),
            ("stats", "--format", "csv", "--to-file", str(own / "answer.pdf")),
            ("audit", "verify", "--anchor", str(folder / "settings.ini")),
        ):
            refused = office.sudo(HANDLER, *command)
            assert (refused.exit_code, "may not" in refused.err) == (1, True), (command, refused.err)
        assert not (own / "ran").exists()
        assert "[controller]" in (folder / "settings.ini").read_text("utf-8")
    finally:
        shutil.rmtree(own)


# --------------------------------------------------------------------------------------------------------- roles


def test_a_handler_prepares_and_an_approver_approves(office: Office) -> None:
    """The name of each stands in the timeline."""
    case = _case(office)
    office.ok(HANDLER, "show", case, "--letter")
    office.ok(APPROVER, "show", case, "--letter")

    refused = office.sudo(HANDLER, "approve", case)
    office.ok(APPROVER, "approve", case)

    assert refused.exit_code == 1
    assert "daemon may not approve: the role approver or admin is needed" in refused.err
    events = office.ok(HANDLER, "show", case.partition("/")[0], "--timeline", "--json").lines
    assert [event["actor"] for event in events if event["event"] == "approved"] == [APPROVER]


def test_the_author_of_a_refusal_finds_a_second_person(office: Office) -> None:
    case = _case(office)
    office.ok(APPROVER, "refuse", case, "--reasons", "Orders are still open.", "--law", "Art. 17(3)(e) GDPR")
    office.ok(APPROVER, "show", case, "--letter")

    own = office.sudo(APPROVER, "approve", case)
    office.ok(SECOND_APPROVER, "show", case, "--letter")
    office.ok(SECOND_APPROVER, "approve", case)

    assert own.exit_code == 1
    assert "a refusal needs a second person" in own.err


def test_who_verified_the_requester_does_not_approve_the_erasure(office: Office) -> None:
    """Else one person alone could have anybody erased."""
    case = _case(office)
    office.ok(APPROVER, "verify", case.partition("/")[0], "--method", "id_shown")
    office.ok(APPROVER, "show", case, "--letter")

    own = office.sudo(APPROVER, "approve", case)
    office.ok(SECOND_APPROVER, "show", case, "--letter")
    office.ok(SECOND_APPROVER, "approve", case)

    assert own.exit_code == 1
    assert "an erasure needs a second person" in own.err


def test_only_an_approver_decides_about_an_uncertain_mail(office: Office) -> None:
    done = office.sudo(HANDLER, "release", _case(office).partition("/")[0], "--sent")

    assert done.exit_code == 1
    assert "the role approver or admin is needed" in done.err


# ---------------------------------------------------------------------------------------------------- separation


def test_who_is_not_in_settings_sees_and_decides_nothing(office: Office) -> None:
    for command in DECIDING:
        _refuses(office, OUTSIDER, command, "settings have no section [staff.games]")


@pytest.mark.sqlite_file
def test_who_could_read_the_database_is_refused_all_but_what_needs_no_name(office: Office) -> None:
    (office.company.folder / "dsar.db").chmod(0o644)

    for command in DECIDING[::4]:
        _refuses(office, APPROVER, command, "dsar.db without dsar")
    for command in (("work",), ("stats",), ("poll",), ("db", "upgrade"), ("audit", "verify")):
        office.ok(APPROVER, *command)


@pytest.mark.sqlite_file
def test_check_tells_which_file_can_be_read_and_how_to_mend_it(office: Office) -> None:
    """Everything else is as the program itself made it: private."""
    path = office.company.folder / "settings.ini"
    path.chmod(0o644)

    lines = office.sudo(APPROVER, "check", "--json").lines

    found = {line["what"]: (line["level"], line["detail"]) for line in lines if line["what"].startswith("private file")}
    assert found.pop(f"private file {path}") == (
        "fail",
        f"bin can read {path} without dsar; as root: chmod 600 {path}",
    )
    assert {f"private file {office.company.folder}/{name}.db" for name in ("dsar", "dsar-keys")} <= set(found)
    assert set(found.values()) == {("ok", "")}


def test_a_name_forged_without_sudo_opens_nothing(office: Office) -> None:
    """Neither for who cannot read the settings, nor for who can because the modes are too wide."""
    case = _case(office)
    forged = {"SUDO_UID": str(pwd.getpwnam(APPROVER).pw_uid), "SUDO_USER": APPROVER}

    shut = office.run("approve", case, user=OUTSIDER, environ=forged)
    group = pwd.getpwnam(OUTSIDER).pw_gid
    for path in office.company.folder.rglob("*"):
        os.chown(path, -1, group)
        path.chmod(0o770 if path.is_dir() else 0o660)
    os.chown(office.company.folder, -1, group)
    office.company.folder.chmod(0o770)
    wide = office.run("approve", case, user=OUTSIDER, environ=forged)

    assert shut.exit_code != 0
    assert wide.exit_code == 1
    assert "does not belong to games, the user that dsar runs as" in wide.err


@pytest.mark.parametrize("user", ["root", SERVICE])
def test_root_and_the_service_user_have_no_name(office: Office, user: str) -> None:
    """Not even with a name of staff in SUDO_USER."""
    done = office.run("approve", _case(office), user=user, environ={"SUDO_USER": APPROVER, "DSAR_ACTOR": APPROVER})

    assert done.exit_code == 1
    assert "call it by 'sudo -u dsar dsar'" in done.err


def test_settings_of_the_callers_own_are_not_obeyed(office: Office) -> None:
    """They could name a command that prints the master key to them."""
    own = Path(tempfile.mkdtemp(prefix="dsar-"))
    try:
        entry = pwd.getpwnam(APPROVER)
        os.chown(own, entry.pw_uid, entry.pw_gid)
        own.chmod(0o755)
        (own / "settings.ini").write_text(f"[vault]\nmaster_key_cmd = touch {own}/ran\n")
        done = office.sudo(APPROVER, "--settings", str(own / "settings.ini"), "check")
    finally:
        shutil.rmtree(own)

    assert done.exit_code == 1
    assert "they could change" in done.err


def _refuses(office: Office, login: str, command: tuple[str, ...], why: str) -> None:
    case = "D-2026-00001"
    done = office.sudo(login, *(word.replace("CASE", case) for word in command))

    assert done.exit_code == 1, (command, done.out, done.err)
    assert why in done.err
    assert "Whitfield" not in done.out


# ------------------------------------------------------------------------------------------------------ true sudo


@pytest.fixture
def users() -> Iterator[dict[str, str]]:
    """Three users of their own: {service, member, other} -> login; gone afterwards."""
    if os.geteuid() != 0:
        unproven("only root can make users")
    made = {role: f"dsar-{role[:3]}-{uuid.uuid4().hex[:6]}" for role in ("service", "member", "other")}
    try:
        for login in made.values():
            subprocess.run(["useradd", "--system", "--user-group", login], check=True)
        yield made
    finally:
        for login in made.values():
            subprocess.run(["userdel", login], check=False, capture_output=True)


@pytest.fixture
def rule(users: dict[str, str], library: str) -> Iterator[Path]:
    """The shipped rule, for these users and a dsar of this source tree; gives the command that it allows."""
    if shutil.which("sudo") is None or shutil.which("visudo", path="/usr/sbin:/usr/bin") is None:
        missing("sudo")
    folder = Path(tempfile.mkdtemp(prefix="dsar-"))
    folder.chmod(0o755)
    program = folder / "dsar"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={library} exec {_python_for_everybody()} -m dsar "$@"\n')
    program.chmod(0o755)
    text = (ROOT / "docs/sudoers.d/dsar").read_text("utf-8")
    text = text.replace("/usr/local/bin/dsar", str(program)).replace("%dsar-staff", f"%{users['member']}")
    text = text.replace("(dsar)", f"({users['service']})").replace("Defaults>dsar", f"Defaults>{users['service']}")
    installed = Path("/etc/sudoers.d", f"dsar-test-{uuid.uuid4().hex[:6]}")
    try:
        installed.write_text(text, "utf-8")
        installed.chmod(0o440)
        yield program
    finally:
        installed.unlink()
        shutil.rmtree(folder)


def test_the_shipped_rule_is_one_that_sudo_takes() -> None:
    visudo = shutil.which("visudo", path="/usr/sbin:/usr/bin")
    if visudo is None:
        missing("sudo")
    assert subprocess.run([str(visudo), "-cf", ROOT / "docs/sudoers.d/dsar"], check=False).returncode == 0


def test_the_shipped_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """Except for the program, which is not installed here."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd")
    unit = (ROOT / "docs/systemd/dsar.service").read_text("utf-8")
    copy = tmp_path / "dsar.service"
    copy.write_text(unit.replace("/opt/dsar/bin/dsar run", "/bin/true run"), "utf-8")

    done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "dsar.service" not in done.stderr


def test_the_shipped_unit_shuts_the_service_off() -> None:
    """On the scale of systemd-analyze, from 10 (open) to 0; what is left open is told in docs/security.md."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd")
    unit = ROOT / "docs/systemd/dsar.service"
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=16", str(unit)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-200:]
    assert "LimitCORE=0" in unit.read_text("utf-8")


def test_through_the_true_sudo_the_member_of_the_group_is_the_actor(
    office: Office, users: dict[str, str], rule: Path
) -> None:
    """A member works under their own name, whatever their environment says; who is not in the group does not get in."""
    text = office.settings.read_text("utf-8").replace(f"staff.{APPROVER}", f"staff.{users['member']}")
    office.settings.write_text(text, "utf-8")
    case = _case(office).partition("/")[0]
    office.private(users["service"])

    def call(login: str) -> subprocess.CompletedProcess[str]:
        entry = pwd.getpwnam(login)
        return subprocess.run(
            ["sudo", "-n", "-u", users["service"], rule, "--settings", office.settings, "show", case],
            env={"PATH": "/usr/bin:/bin", "SUDO_USER": SECOND_APPROVER, "DSAR_ACTOR": SECOND_APPROVER},
            cwd="/",
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )

    member, other = call(users["member"]), call(users["other"])

    assert member.returncode == 0, member.stderr
    assert "John Whitfield" in member.stdout
    assert (other.returncode, other.stdout) == (1, "")
    timeline = office.run(
        "show",
        case,
        "--timeline",
        "--json",
        user=users["service"],
        environ={"SUDO_UID": str(pwd.getpwnam(users["member"]).pw_uid), "SUDO_USER": users["member"]},
    )
    assert users["member"] in {line["actor"] for line in timeline.lines if line["event"] == "looked_at_case"}
