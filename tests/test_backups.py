"""Backups: two encrypted files that age differently, and a fresh installation filled from them (P9)."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from databases import Server
from hypothesis import given
from hypothesis import strategies as st
from office import Office, open_office
from test_purging import answered, purged

from dsar import archive, settings
from dsar.casework import backups, figures, intake
from dsar.errors import BackupUnavailableError, UsageError, WrongKeyError
from dsar.store import Store, copying, migrate
from dsar.store.audit import ChainReport
from dsar.wiring import open_session

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = bytes(range(32))
PLACES = {"backup": "data_folder = backups/data\nkeys_folder = backups/keys"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """With one answered case, whose audit trail is sealed."""
    with open_office(tmp_path / "old", more=PLACES) as opened:
        answered(opened)
        seal(opened)
        yield opened


def seal(office: Office) -> None:
    with office.app.store.transaction() as tx:
        tx.seal_events()


def chain(office: Office) -> ChainReport:
    with office.app.store.transaction() as tx:
        return tx.verify_chain()


def fresh(folder: Path, *, urls: str = "") -> Path:
    """Settings, declarations and master key on another machine, without any database."""
    with open_office(folder, more={**PLACES, "database": urls}):
        pass
    for file in folder.glob("dsar*.db*"):
        file.unlink()
    return folder / "settings.ini"


def restored(settings_file: Path, made: backups.Backup) -> backups.Restored:
    return backups.restore(settings.load(settings_file, {}), data=made.data, keys=made.keys)


# ------------------------------------------------------------------------------------------------------- restoring


@pytest.mark.sqlite_file
def test_a_fresh_machine_has_the_same_audit_head_cases_and_figures(office: Office, tmp_path: Path) -> None:
    head, times = chain(office).head, figures.request_times(office.app)
    made = backups.back_up(office.app, now=NOW)
    place = fresh(tmp_path / "new")

    found = restored(place, made)

    assert (found.report.head, found.report.broken_at, found.report.anchor_holds) == (head, None, True)
    with open_session(place) as session:
        assert figures.request_times(session.app) == times
        with session.app.store.transaction() as tx:
            ((_, message),) = tx.case_messages(1)
        assert intake.read(session.app, message).subject == "Mina uppgifter"


@pytest.mark.sqlite_file
def test_what_is_restored_goes_on_with_numbers_of_its_own(office: Office, tmp_path: Path) -> None:
    """Nothing that is added meets a number that is taken, and no lease of a dead machine holds anything up."""
    made = backups.back_up(office.app, now=NOW)
    place = fresh(tmp_path / "new")
    restored(place, made)
    with open_session(place) as session:
        again = Office(session, tmp_path / "new")
        again._uid = 100
        message = again.receive("B <b@example.com>", "I want a copy of all data you have about me.", at=NOW + DAY)
        assert message.status == "sorted"
        assert backups.back_up(session.app, now=NOW + DAY).data.exists()


def test_a_backup_moves_an_installation_to_postgresql(office: Office, tmp_path: Path, postgresql: Server) -> None:
    head = chain(office).head
    made = backups.back_up(office.app, now=NOW)
    urls = f"url = {postgresql.new_database()}\nkeys_url = {postgresql.new_database()}"
    with open_office(tmp_path / "new", more=PLACES):
        place = tmp_path / "new" / "settings.ini"
    head_of_settings, _, _ = place.read_text("utf-8").partition("[database]")
    place.write_text(f"{head_of_settings}[database]\n{urls}\n", "utf-8")

    assert restored(place, made).report.head == head
    with open_session(place) as session:
        again = Office(session, tmp_path / "new")
        again._uid = 100
        assert again.receive("B <b@example.com>", "I want a copy of all data you have about me.").status == "sorted"


def test_nothing_is_restored_over_what_is_there(office: Office) -> None:
    made = backups.back_up(office.app, now=NOW)
    with pytest.raises(UsageError, match="not empty"):
        backups.restore(office.app.settings, data=made.data, keys=made.keys)


@pytest.mark.sqlite_file
def test_an_audit_trail_that_was_changed_in_the_copy_is_told(office: Office, tmp_path: Path) -> None:
    with office.app.store.transaction() as tx:
        tx.events(1)[0].actor = "mallory"
    made = backups.back_up(office.app, now=NOW)
    assert restored(fresh(tmp_path / "new"), made).report.broken_at is not None


# ------------------------------------------------------------------------------------------------ what copies hold


@pytest.mark.sqlite_file
def test_what_was_purged_stays_unreadable_when_older_data_are_restored(office: Office, tmp_path: Path) -> None:
    """Data from before the purge, keys from after it: the mail of the case does not open."""
    before = backups.back_up(office.app, now=NOW)
    carried_away = before.data.rename(tmp_path / before.data.name)
    purged(office, after=800 * DAY)
    after = backups.back_up(office.app, now=NOW + 800 * DAY)
    place = fresh(tmp_path / "new")

    backups.restore(settings.load(place, {}), data=carried_away, keys=after.keys)

    with open_session(place) as session:
        with session.app.store.transaction() as tx:
            ((_, message),) = tx.case_messages(1)
        with pytest.raises(WrongKeyError):
            intake.read(session.app, message)


def test_keys_go_after_seven_days_and_data_after_thirty(office: Office) -> None:
    first = backups.back_up(office.app, now=NOW)
    backups.back_up(office.app, now=NOW + 7 * DAY)
    assert (first.data.exists(), first.keys.exists()) == (True, True)
    assert backups.back_up(office.app, now=NOW + 8 * DAY).removed == (first.keys,)
    assert first.data in backups.back_up(office.app, now=NOW + 31 * DAY).removed


def test_other_files_in_the_folder_stay(office: Office) -> None:
    made = backups.back_up(office.app, now=NOW)
    other = made.keys.with_name("keys-of-the-office.dsar")
    other.write_text("x", "utf-8")
    backups.back_up(office.app, now=NOW + 400 * DAY)
    assert other.exists()


def test_a_copy_shows_nothing_and_is_for_its_owner_alone(office: Office) -> None:
    made = backups.back_up(office.app, now=NOW)
    for file in (made.data, made.keys):
        content = file.read_bytes()
        assert (b"D-2026-00001" in content, b"case_file" in content, file.stat().st_mode & 0o077) == (False, False, 0)


def test_a_day_after_the_last_one_another_is_due(office: Office) -> None:
    assert backups.is_due(office.app, now=NOW)
    backups.back_up(office.app, now=NOW)
    assert not backups.is_due(office.app, now=NOW + timedelta(hours=23))
    assert backups.is_due(office.app, now=NOW + DAY)


def test_without_a_folder_none_is_due_and_asking_for_one_tells_what_to_set(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        assert not backups.is_due(office.app, now=NOW)
        with pytest.raises(UsageError, match="data_folder and keys_folder"):
            backups.back_up(office.app, now=NOW)


def test_a_folder_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("", "utf-8")
    with open_office(tmp_path, more={"backup": "data_folder = full\nkeys_folder = keys"}) as office:
        with pytest.raises(BackupUnavailableError):
            backups.back_up(office.app, now=NOW)
        assert backups.is_due(office.app, now=NOW)
        with office.app.store.transaction() as tx:
            assert "backup" not in {holder.partition(" ")[0] for holder in tx.lease_holders()}


# ------------------------------------------------------------------------------------------------------- the files


@given(st.lists(st.integers(0, 200_000), max_size=4))
def test_what_is_sealed_opens_again(tmp_path_factory: pytest.TempPathFactory, sizes: list[int]) -> None:
    parts = [b"x" * size for size in sizes]
    file = tmp_path_factory.mktemp("sealed") / "file"
    archive.write(file, parts, master_key=KEY, kind="data")
    assert b"".join(archive.read(file, master_key=KEY, kind="data")) == b"".join(parts)


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: 30 + 65552],
        lambda whole: whole[:30],
        lambda whole: whole[:5],
        lambda whole: whole[:0],
        lambda whole: whole + b"x",
        lambda whole: whole[:30] + whole[30 + 65552 : 30 + 2 * 65552] + whole[30:],
        lambda whole: whole[:100] + bytes([whole[100] ^ 1]) + whole[101:],
    ],
)
def test_a_file_that_was_cut_or_changed_does_not_open(tmp_path: Path, damage: object) -> None:
    file = tmp_path / "file"
    archive.write(file, [b"x" * 200_000], master_key=KEY, kind="data")
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(WrongKeyError):
        list(archive.read(file, master_key=KEY, kind="data"))


@pytest.mark.parametrize(("key", "kind"), [(bytes(32), "data"), (KEY, "keys")])
def test_another_master_key_or_kind_does_not_open_it(tmp_path: Path, key: bytes, kind: str) -> None:
    archive.write(tmp_path / "file", [b"x"], master_key=KEY, kind="data")
    with pytest.raises(WrongKeyError):
        list(archive.read(tmp_path / "file", master_key=key, kind=kind))


def test_a_copy_of_a_later_version_is_refused(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/dsar.db")
    with pytest.raises(UsageError, match="later version"):
        migrate.upgrade(store.engine, "9999_later")
    assert copying.is_empty(store.engine)
    store.close()


# ------------------------------------------------------------------------------------------------- how far it is


def seen_on_a_terminal(settings_file: Path, *arguments: str) -> str:
    """What a command tells on its standard error where that is a terminal; no mail server is there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "dsar", "--settings", str(settings_file), *arguments]
    environ = {**os.environ, "TERM": "xterm", "LANG": "C.UTF-8"}
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environ, check=False, timeout=300)
    os.close(theirs)
    told = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(4096):
                told += part
        except OSError:
            pass  # the other end is closed
    return told.decode()


@pytest.mark.sqlite_file
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("backup",), "Copying 1"),
        (("purge",), "Removing 0"),
        (("restore", "--data", "{data}", "--keys", "{keys}"), "Restoring 1"),
    ],
)
def test_long_work_tells_how_far_it_is(office: Office, tmp_path: Path, command: tuple[str, ...], told: str) -> None:
    made = backups.back_up(office.app, now=NOW)
    place = fresh(tmp_path / "new") if command[0] == "restore" else tmp_path / "old" / "settings.ini"
    seen = seen_on_a_terminal(place, *(part.format(data=made.data, keys=made.keys) for part in command))
    assert told in seen
    assert "\r\x1b[K" in seen[seen.index(told) :]  # taken back at its end
