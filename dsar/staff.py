"""
The running process -> the member of staff behind it, or a refusal to run for them.

Effects: reads user ids, the user database, modes and access control lists of files, and sets such a list on what the
caller shall look at; the environment is an argument.

Who decides must be a name that somebody else vouches for (Art. 5(2), Art. 32): here the operating system. dsar runs as
a service user of its own, which alone can read database and keys, and staff call it by `sudo -u dsar dsar ...`. sudo,
which is root, then tells who called: SUDO_UID and SUDO_USER. Environment variables prove nothing by themselves, and a
process cannot tell sudo's from those that someone typed. What does prove something are the files:

- Whoever runs dsar without being the service user can open the files only if their modes are too wide. Therefore every
  private file must belong to the user that the process runs as; otherwise nobody is believed, whatever SUDO_* say.
- Whoever runs dsar as the service user without sudo has its files in their hands already, so a forged name is the
  smaller harm, and nothing in the process could tell it apart. Therefore the service user has no password, no shell
  and no members, and root is not taken for a service user.
- Whoever comes through sudo must not be able to read the private files in any other way: otherwise they could act
  without being named.

Through sudo the program has rights that its caller has not. So it obeys no settings file that they could write (it
could name commands to run), and neither reads nor writes a file for them that they could not.
"""

import os
import pwd
import stat
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsar.errors import NotPermittedError
from dsar.locale import said

_ACCESS_CONTROL_LIST = "system.posix_acl_access"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who called, and the user that the program runs as for them."""

    uid: int
    login: str
    service_uid: int  #: Real user id of the process.
    groups: frozenset[int] = field(default=frozenset(), repr=False)  #: Group ids of *uid*.

    @property
    def through_sudo(self) -> bool:
        """Whether sudo says that another user than the process's own called."""
        return self.uid != self.service_uid


def caller(environ: Mapping[str, str], *, service_uid: int | None = None) -> Caller:
    """
    Who called, by what sudo left in *environ* (see sudo(8), SUDO_UID and SUDO_USER), else the process's own user.

    Args: service_uid: real user id of the process; None: of this one.
    Raises: NotPermittedError if SUDO_UID and SUDO_USER are not one and the same user: sudo never says so.
    """
    own_uid = os.getuid() if service_uid is None else service_uid
    uid_text, login = environ.get("SUDO_UID", ""), environ.get("SUDO_USER", "")
    if not uid_text.isdecimal() or int(uid_text) == own_uid:
        return _caller(own_uid, service_uid=own_uid)
    found = _caller(int(uid_text), service_uid=own_uid)
    if found.login != login:
        raise NotPermittedError(
            said("user {uid_text}", uid_text=uid_text), "run dsar", "SUDO_UID and SUDO_USER name different users"
        )
    return found


def _caller(uid: int, *, service_uid: int) -> Caller:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Caller(uid=uid, login=_login(uid), service_uid=service_uid)
    groups = frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Caller(uid=uid, login=entry.pw_name, service_uid=service_uid, groups=groups)


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"  # as sudo(8) and chown(1) write and take it


def actor(
    environ: Mapping[str, str], *, separation: bool, members: Collection[str], private_files: Sequence[Path]
) -> str:
    """
    Login of the member of staff who called.

    Without separation (a single user, the demo) DSAR_ACTOR may name another member of staff.
    Args: members: logins of staff. private_files: what only the service user may read; missing ones do not matter.
    Raises: NotPermittedError for anybody else, and for who could read a private file without dsar.
    """
    if separation:
        calling = caller(environ)
        check_separated(calling, private_files)
        login = calling.login
    else:
        login = environ.get("DSAR_ACTOR") or environ.get("SUDO_USER") or _login(os.getuid())
    if login not in members:
        raise NotPermittedError(login, "work on cases", said("settings have no section [staff.{login}]", login=login))
    return login


def check_separated(calling: Caller, private_files: Sequence[Path]) -> None:
    """Raises: NotPermittedError where *calling* is not kept apart from *private_files*."""
    if calling.service_uid == 0:
        why = "dsar runs as root, who can read everything; call it by 'sudo -u dsar dsar'"
    elif not calling.through_sudo:
        why = "who runs dsar without sudo can read its database and keys; call it by 'sudo -u dsar dsar'"
    elif calling.uid == 0:
        why = "root can read database and keys; call dsar under the name of a member of staff"
    else:
        fault = next(filter(None, (file_fault(calling, path) for path in private_files)), None)
        if fault is None:
            return
        why = fault.reason
    raise NotPermittedError(calling.login, "work on cases", why)


# ---------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True, kw_only=True)
class FileFault:
    """Why a private file is not private."""

    reason: str
    remedy: str  #: Command that mends it, to be run as root.


def file_fault(calling: Caller, path: Path) -> FileFault | None:
    """What is wrong with a private file for *calling*; None for a missing one and where all is well."""
    try:
        status = path.stat()
    except OSError:
        return None  # the process itself cannot reach it, so there is nothing to keep apart
    service = _login(calling.service_uid)
    if status.st_uid != calling.service_uid:
        return FileFault(
            reason=f"{path} does not belong to {service}, the user that dsar runs as",
            remedy=f"chown {service} {path} && chmod 600 {path}",
        )
    if calling.uid not in {0, calling.service_uid} and may_read(calling, path):
        return FileFault(reason=f"{calling.login} can read {path} without dsar", remedy=f"chmod 600 {path}")
    anybody = Caller(uid=-1, login="anybody", service_uid=calling.service_uid)
    if may_read(anybody, path):
        return FileFault(reason=f"every user of this machine can read {path}", remedy=f"chmod 600 {path}")
    return None


def may_read(calling: Caller, path: Path) -> bool:
    """Whether *calling* could read *path* as themselves: every folder lets them pass and the file lets them read."""
    whole = path.resolve()
    return _allows(calling, whole, 4) and all(_allows(calling, folder, 1) for folder in whole.parents)


def _may_write(calling: Caller, path: Path) -> bool:
    """Whether *calling* could change *path*, or put something else in its place."""
    whole = path.resolve()
    below = [whole, *whole.parents]
    for folder, entry in zip(below[1:], below, strict=False):
        protected = folder.stat().st_mode & stat.S_ISVTX and entry.stat().st_uid != calling.uid
        if not protected and _allows(calling, folder, 2):
            return True
    return _allows(calling, whole, 2)


def _allows(calling: Caller, path: Path, bit: int) -> bool:
    """
    Whether the mode of *path* gives *calling* the right *bit*: 4 read, 2 write, 1 pass through.

    The owner can change the mode, so they have every right. An access control list is not taken apart: where there is
    one, the group bits are its mask (acl(5)), the most that it gives to anybody.
    """
    status = path.stat()
    if calling.uid in {0, status.st_uid}:
        return True
    mode = status.st_mode
    if _has_access_control_list(path):
        return bool((mode >> 3 | mode) & bit)
    return bool((mode >> 3 if status.st_gid in calling.groups else mode) & bit)


def _has_access_control_list(path: Path) -> bool:
    try:
        return _ACCESS_CONTROL_LIST in os.listxattr(path)
    except OSError:
        return False  # the file system knows none


# ------------------------------------------------------------------------------------------------- through sudo only


def trusted_settings(path: Path, environ: Mapping[str, str]) -> Path:
    """
    *path*, free of links; through sudo, only if the caller could not change what it holds.

    Raises: NotPermittedError: such a file would be theirs, and it can name commands to run.
    """
    calling = caller(environ)
    whole = path.resolve()
    if calling.through_sudo and whole.exists() and _may_write(calling, whole):
        why = f"they could change {whole}, and with it what the program does as another user"
        raise NotPermittedError(calling.login, "choose these settings", why)
    return whole


def read_named_file(path: Path, environ: Mapping[str, str]) -> bytes:
    """
    What *path* holds, if its caller could read it too: through sudo it is opened with the rights of the service user.

    The opened file is judged, not its name, which could lead elsewhere a moment later.
    Raises: NotPermittedError; OSError.
    """
    calling = caller(environ)
    with path.open("rb") as file:
        if calling.through_sudo and not may_read(calling, Path(f"/proc/self/fd/{file.fileno()}")):
            why = f"{path} cannot be read by them; hand over only what is yours"
            raise NotPermittedError(calling.login, "name this file", why)
        return file.read()


def demand_own_rights(doing: str, environ: Mapping[str, str]) -> None:
    """
    For what touches no case and takes files of the caller's choice: nobody but root does it through sudo.

    Raises: NotPermittedError.
    """
    calling = caller(environ)
    if calling.through_sudo and calling.uid != 0:
        raise NotPermittedError(calling.login, doing, "through sudo it would happen with rights that are not theirs")


#: Folders that this process has made for its caller: (device, inode).
_MADE: set[tuple[int, int]] = set()


def create_named_file(folder: Path, name: str, content: bytes, environ: Mapping[str, str]) -> Path:
    """
    Write a file that only its owner may read; of *name* only the last part counts.

    Through sudo only into a folder that the caller could write themselves, or that was made there for them, and never
    over another file: it would be done with the rights of the service user, whose settings and keys are files, too.
    The opened folder is judged, not its name. Raises: NotPermittedError; OSError.
    """
    calling = caller(environ)
    place = folder / Path(name).name
    opened = _opened_to_write(folder, calling)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_EXCL if calling.through_sudo else os.O_TRUNC)
    try:
        with os.fdopen(os.open(place.name, flags, 0o600, dir_fd=opened), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise NotPermittedError(calling.login, "name this file", f"{place} exists already") from None
    finally:
        os.close(opened)
    return place


def _opened_to_write(folder: Path, calling: Caller) -> int:
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        above = _opened_to_write(folder.parent, calling)
        try:
            os.mkdir(folder.name, 0o700, dir_fd=above)
            opened = os.open(folder.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
        _MADE.add(_identity(opened))
        return opened
    theirs = _identity(opened) in _MADE or not calling.through_sudo
    if not theirs and not _allows(calling, Path(f"/proc/self/fd/{opened}"), 2):
        os.close(opened)
        raise NotPermittedError(calling.login, "name this folder", f"{folder} cannot be written by them")
    return opened


def _identity(opened: int) -> tuple[int, int]:
    status = os.fstat(opened)
    return status.st_dev, status.st_ino


# --------------------------------------------------------------------------------------- what the caller shall look at

#: Tags and version of an access control list as Linux keeps it (acl(5), linux/posix_acl_xattr.h).
_ACL_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NOBODY_NAMED = 0xFFFFFFFF


def lend(path: Path, environ: Mapping[str, str]) -> None:
    """
    Let who called through sudo, and nobody else, read a file or folder that the service user made for their eyes.

    Without sudo it is theirs already. Raises: NotPermittedError where the file system has no access control lists.
    """
    calling = caller(environ)
    if not calling.through_sudo:
        return
    theirs = 0o5 if path.is_dir() else 0o4
    entries = (
        (_OWNER, 0o7 if path.is_dir() else 0o6, _NOBODY_NAMED),
        (_USER, theirs, calling.uid),
        (_GROUP, 0, _NOBODY_NAMED),
        (_MASK, theirs, _NOBODY_NAMED),
        (_OTHER, 0, _NOBODY_NAMED),
    )
    packed = struct.pack("<I", _ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, _ACCESS_CONTROL_LIST, packed)
    except OSError as error:
        why = f"{path.parent} is on a file system without access control lists"
        raise NotPermittedError(calling.login, "look at the files", why) from error
