"""Who calls, what keeps them apart from database and keys, and what dsar obeys through sudo."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from servers.parts import unproven
from test_settings import SMALLEST

from dsar.errors import NotPermittedError
from dsar.settings import load
from dsar.staff import (
    Caller,
    actor,
    caller,
    check_separated,
    create_named_file,
    file_fault,
    lend,
    may_read,
    read_named_file,
    trusted_settings,
)

ME = os.getuid()
MY_LOGIN = pwd.getpwuid(ME).pw_name
#: A user of every machine who is neither root nor, as a rule, who runs the tests.
DAEMON = pwd.getpwnam("daemon")
THROUGH_SUDO = {"SUDO_UID": str(DAEMON.pw_uid), "SUDO_USER": "daemon"}
SERVICE = 4_000_001


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user of the machine may look into; pytest's own are shut."""
    folder = Path(tempfile.mkdtemp(prefix="dsar-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def private(place: Path) -> Callable[..., Path]:
    """Makes a file with a mode, in a folder with another."""

    def make(mode: int, folder_mode: int = 0o755) -> Path:
        folder = place / "etc"
        folder.mkdir()
        file = folder / "master.key"
        file.write_text("secret")
        file.chmod(mode)
        folder.chmod(folder_mode)
        return file

    return make


def stranger(*groups: int) -> Caller:
    """Somebody who calls through sudo and owns nothing."""
    return Caller(uid=DAEMON.pw_uid, login="daemon", service_uid=ME, groups=frozenset(groups))


# ----------------------------------------------------------------------------------------------------- who calls


@pytest.mark.parametrize(
    ("environ", "login"),
    [
        (THROUGH_SUDO, "daemon"),
        ({}, MY_LOGIN),
        ({"SUDO_USER": "daemon"}, MY_LOGIN),
        ({"SUDO_UID": str(ME), "SUDO_USER": "daemon"}, MY_LOGIN),
        ({"SUDO_UID": "-1", "SUDO_USER": "daemon"}, MY_LOGIN),
        ({"SUDO_UID": "one", "SUDO_USER": "daemon"}, MY_LOGIN),
        ({"USER": "daemon", "LOGNAME": "daemon", "DSAR_ACTOR": "daemon"}, MY_LOGIN),
    ],
)
def test_the_caller_is_whom_sudo_names_else_who_the_process_is(environ: Mapping[str, str], login: str) -> None:
    assert caller(environ).login == login


@pytest.mark.parametrize("user", ["root", "nobody-at-all", ""])
def test_a_name_that_is_not_that_of_the_user_id_is_a_forgery(user: str) -> None:
    with pytest.raises(NotPermittedError, match="name different users"):
        caller({"SUDO_UID": str(DAEMON.pw_uid), "SUDO_USER": user})


def test_who_has_no_entry_in_the_user_database_goes_by_number() -> None:
    assert caller({}, service_uid=SERVICE).login == f"#{SERVICE}"


# ---------------------------------------------------------------------------------------------------- separation


@pytest.mark.parametrize(
    ("mode", "folder_mode", "groups", "readable"),
    [
        (0o600, 0o755, [], False),
        (0o644, 0o755, [], True),
        (0o640, 0o755, [], False),
        (0o640, 0o755, [os.getgid()], True),
        (0o604, 0o755, [os.getgid()], False),  # a member of the group gets the group's rights and no others
        (0o644, 0o700, [], False),  # the folder does not let them pass
        (0o644, 0o750, [os.getgid()], True),
        (0o644, 0o711, [], True),  # not listed, but passed through
    ],
)
def test_reading_needs_the_mode_of_the_file_and_of_every_folder_above(
    private: Callable[..., Path], mode: int, folder_mode: int, groups: list[int], *, readable: bool
) -> None:
    assert may_read(stranger(*groups), private(mode, folder_mode)) is readable


def test_the_owner_can_read_whatever_the_mode(private: Callable[..., Path]) -> None:
    """They could change it."""
    assert may_read(Caller(uid=ME, login=MY_LOGIN, service_uid=SERVICE), private(0o000))


def test_an_access_control_list_counts_as_reaching_everybody(private: Callable[..., Path]) -> None:
    """user::rw-, user:daemon:r--, group::---, mask::r--, other::---: the mode shows the mask, 0640."""
    file = private(0o600)
    entries = [(0x01, 6, 0xFFFFFFFF), (0x02, 4, DAEMON.pw_uid), (0x04, 0, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF)]
    entries.append((0x20, 0, 0xFFFFFFFF))
    packed = b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + who.to_bytes(4, "little") for tag, bits, who in entries
    )
    os.setxattr(file, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)

    assert may_read(stranger(), file)


def test_a_private_file_without_fault_lets_staff_in(private: Callable[..., Path]) -> None:
    file = private(0o600)

    assert file_fault(stranger(), file) is None
    if ME != 0:
        check_separated(stranger(), [file])


@pytest.mark.parametrize(
    ("calling", "mode", "why"),
    [
        (stranger(), 0o644, "daemon can read"),
        (stranger(os.getgid()), 0o640, "daemon can read"),
        (Caller(uid=ME, login=MY_LOGIN, service_uid=ME), 0o644, "every user of this machine can read"),
        (Caller(uid=DAEMON.pw_uid, login="daemon", service_uid=SERVICE), 0o600, "does not belong to #4000001"),
    ],
)
def test_a_private_file_with_a_fault_comes_with_its_remedy(
    private: Callable[..., Path], calling: Caller, mode: int, why: str
) -> None:
    file = private(mode)
    if calling.uid == calling.service_uid == 0:
        calling = Caller(uid=0, login="root", service_uid=0)

    fault = file_fault(calling, file)

    assert fault is not None
    assert why in fault.reason
    assert fault.remedy.endswith(f"chmod 600 {file}")


def test_a_missing_file_has_no_fault(place: Path) -> None:
    assert file_fault(stranger(), place / "dsar.db-wal") is None


@pytest.mark.parametrize(
    ("uid", "service_uid", "why"),
    [
        (SERVICE, SERVICE, "who runs dsar without sudo"),
        (0, SERVICE, "root can read"),
        (DAEMON.pw_uid, 0, "dsar runs as root"),
        (0, 0, "dsar runs as root"),
    ],
)
def test_root_and_the_service_user_decide_nothing(uid: int, service_uid: int, why: str) -> None:
    """They are not kept apart from the files, whatever the modes."""
    with pytest.raises(NotPermittedError, match=why):
        check_separated(Caller(uid=uid, login="x", service_uid=service_uid), [])


def test_a_forged_name_fails_at_files_that_are_not_the_processes_own(private: Callable[..., Path]) -> None:
    """Who reads the files by a group, and says that sudo named another, is not the service user."""
    forged = Caller(uid=DAEMON.pw_uid, login="daemon", service_uid=SERVICE)

    with pytest.raises(NotPermittedError, match=r"daemon may not work on cases: .* does not belong to #4000001"):
        check_separated(forged, [private(0o640)])


# --------------------------------------------------------------------------------------------------------- actor


@pytest.mark.parametrize(
    ("environ", "login"),
    [
        ({"DSAR_ACTOR": "bo", "SUDO_USER": "anna"}, "bo"),
        ({"SUDO_USER": "anna"}, "anna"),
        ({}, MY_LOGIN),
    ],
)
def test_without_separation_the_environment_names_the_actor(environ: Mapping[str, str], login: str) -> None:
    members = {"anna", "bo", MY_LOGIN}

    assert actor(environ, separation=False, members=members, private_files=[]) == login


def test_who_is_not_in_settings_is_no_member_of_staff() -> None:
    with pytest.raises(NotPermittedError, match=r"eve may not work on cases: settings have no section \[staff.eve\]"):
        actor({"DSAR_ACTOR": "eve"}, separation=False, members={"anna"}, private_files=[])


def test_with_separation_the_environment_alone_names_nobody() -> None:
    with pytest.raises(NotPermittedError):
        actor({"DSAR_ACTOR": "bo", "SUDO_USER": "bo"}, separation=True, members={"bo", MY_LOGIN}, private_files=[])


# ----------------------------------------------------------------------------------------- what is asked through sudo


@pytest.mark.parametrize(
    ("mode", "folder_mode", "obeyed"),
    [(0o600, 0o700, True), (0o644, 0o755, True), (0o646, 0o755, False), (0o644, 0o757, False)],
)
def test_through_sudo_only_settings_that_the_caller_cannot_change_are_obeyed(
    private: Callable[..., Path], mode: int, folder_mode: int, *, obeyed: bool
) -> None:
    """Settings can name commands to run; in a folder that they can write, another file could take its place."""
    file = private(mode, folder_mode)

    if obeyed:
        assert trusted_settings(file, THROUGH_SUDO) == file.resolve()
    else:
        with pytest.raises(NotPermittedError, match="they could change"):
            trusted_settings(file, THROUGH_SUDO)
    assert trusted_settings(file, {}) == file.resolve()


def test_settings_behind_a_link_are_known_by_where_they_lie(private: Callable[..., Path], place: Path) -> None:
    """A link can be turned round after it was looked at."""
    link = place / "settings.ini"
    link.symlink_to(private(0o600))

    assert trusted_settings(link, THROUGH_SUDO) == (place / "etc" / "master.key").resolve()


def test_through_sudo_a_file_is_read_only_for_who_can_read_it(private: Callable[..., Path], place: Path) -> None:
    secret = private(0o600)
    own = place / "mail.eml"
    own.write_bytes(b"From: anna@kund.se\r\n")
    own.chmod(0o644)

    assert read_named_file(own, THROUGH_SUDO) == b"From: anna@kund.se\r\n"
    assert read_named_file(secret, {}) == b"secret"
    with pytest.raises(NotPermittedError, match="cannot be read by them"):
        read_named_file(secret, THROUGH_SUDO)


@pytest.mark.parametrize("folder_mode", [0o700, 0o755])
def test_through_sudo_no_file_is_written_where_the_caller_could_not(
    private: Callable[..., Path], folder_mode: int
) -> None:
    """Settings, keys and templates lie in folders of the service user."""
    folder = private(0o600, folder_mode).parent

    for place in (folder, folder / "new"):
        with pytest.raises(NotPermittedError, match="cannot be written by them"):
            create_named_file(place, "settings.ini", b"x", THROUGH_SUDO)
    assert [path.name for path in folder.iterdir()] == ["master.key"]


def test_through_sudo_a_file_is_written_where_the_caller_could_and_over_no_other(place: Path) -> None:
    theirs = place / "theirs"
    theirs.mkdir()
    theirs.chmod(0o777)

    made = create_named_file(theirs / "new", "../a.pdf", b"1", THROUGH_SUDO)
    create_named_file(theirs / "new", "b.pdf", b"2", THROUGH_SUDO)

    assert (made, made.read_bytes(), made.stat().st_mode & 0o777) == (theirs / "new" / "a.pdf", b"1", 0o600)
    with pytest.raises(NotPermittedError, match="exists already"):
        create_named_file(theirs / "new", "a.pdf", b"3", THROUGH_SUDO)


def test_through_sudo_a_link_leads_no_file_elsewhere(private: Callable[..., Path], place: Path) -> None:
    secret = private(0o600)
    theirs = place / "theirs"
    theirs.mkdir()
    theirs.chmod(0o777)
    (theirs / "key").symlink_to(secret)
    (theirs / "etc").symlink_to(secret.parent)

    for folder, name in ((theirs, "key"), (theirs / "etc", "new")):
        with pytest.raises(NotPermittedError):
            create_named_file(folder, name, b"x", THROUGH_SUDO)
    assert secret.read_bytes() == b"secret"
    assert not (secret.parent / "new").exists()


def test_without_sudo_a_file_is_written_anew(place: Path) -> None:
    for content in (b"1", b"2"):
        made = create_named_file(place / "a" / "b", "c", content, {})
    assert made.read_bytes() == b"2"


# ------------------------------------------------------------------------------------------------------ private files


@pytest.mark.sqlite_file
def test_private_files_are_the_databases_and_what_holds_secrets(tmp_path: Path) -> None:
    """A secret in the settings makes the settings private."""
    settings = tmp_path / "settings.ini"
    settings.write_text(SMALLEST, "utf-8")

    names = [path.name for path in load(settings, {}).private_files]

    databases = [f"{name}{end}" for name in ("dsar.db", "dsar-keys.db") for end in ("", "-wal", "-shm", "-journal")]
    assert sorted(names) == sorted([*databases, "settings.ini"])


def test_settings_whose_secrets_lie_elsewhere_are_not_private(tmp_path: Path) -> None:
    """With PostgreSQL the URL is the secret, wherever it stands."""
    for secret in ("master_key", "password"):
        key = next(line for line in SMALLEST.splitlines() if line.startswith(f"{secret} = "))
        (tmp_path / secret).write_text(key.partition(" = ")[2])
    text = "\n".join(
        f"{line.partition(' ')[0]}_file = {line.partition(' ')[0]}"
        if line.startswith(("master_key", "password"))
        else line
        for line in SMALLEST.splitlines()
    )
    (tmp_path / "url").write_text("postgresql://dsar:secret@localhost/dsar?connect_timeout=5")
    (tmp_path / "settings.ini").write_text(f"{text}\n[database]\nurl_file = url\nkeys_url_file = url\n", "utf-8")

    assert [path.name for path in load(tmp_path / "settings.ini", {}).private_files] == [
        "master_key",
        "password",
        "url",
    ]


# --------------------------------------------------------------------------------------------------- what is lent


def _can_read(path: Path, uid: int) -> bool:
    """Whether a process of that user can."""
    done = subprocess.run(
        ["/bin/cat", str(path)], user=uid, group=uid, extra_groups=[], capture_output=True, check=False
    )
    return done.returncode == 0


def test_a_lent_file_is_read_by_the_caller_and_nobody_else(place: Path) -> None:
    """Files of a letter belong to the service user; who looks at them is another."""
    if ME != 0:
        unproven("only root can read as other users")
    folder = place / "looked-at"
    folder.mkdir(mode=0o700)
    file = folder / "answer.pdf"
    file.touch(mode=0o600)
    before = _can_read(file, DAEMON.pw_uid)

    lend(folder, THROUGH_SUDO)
    lend(file, THROUGH_SUDO)

    others = pwd.getpwnam("games").pw_uid
    assert (before, _can_read(file, DAEMON.pw_uid), _can_read(file, others)) == (False, True, False)


def test_without_sudo_nothing_is_lent(place: Path) -> None:
    file = place / "answer.pdf"
    file.touch(mode=0o600)
    lend(file, {})
    assert file.stat().st_mode & 0o777 == 0o600
