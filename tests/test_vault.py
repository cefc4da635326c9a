"""Sealed values: only the right key opens them, in the right place, and a destroyed key is gone."""

import time
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from dsar.errors import WrongKeyError
from dsar.model import Identifier, IdentifierType
from dsar.store import SqlKeyStore
from dsar.vault import Vault

MASTER = bytes(range(32))


@pytest.fixture
def keys(tmp_path: Path) -> SqlKeyStore:
    return SqlKeyStore(f"sqlite:///{tmp_path}/keys.sqlite3")


@pytest.fixture
def vault(keys: SqlKeyStore) -> Vault:
    opened = Vault(MASTER, keys)
    opened.create_key("case:D-2026-00001")
    return opened


def test_what_is_sealed_opens_again(vault: Vault) -> None:
    """Sealing and unsealing under the same key and context gives the same bytes."""
    sealed = vault.seal("case:D-2026-00001", "letter:1", "Åsa".encode())

    assert vault.unseal("case:D-2026-00001", "letter:1", sealed) == "Åsa".encode()


def test_sealed_bytes_do_not_hold_the_text(vault: Vault) -> None:
    """The plain text is nowhere in what is stored."""
    assert b"asa@example.se" not in vault.seal("case:D-2026-00001", "letter:1", b"asa@example.se")


def test_a_value_moved_to_another_place_does_not_open(vault: Vault) -> None:
    """The context is authenticated: nobody can swap two persons' rows."""
    sealed = vault.seal("case:D-2026-00001", "letter:1", b"x")

    with pytest.raises(WrongKeyError):
        vault.unseal("case:D-2026-00001", "letter:2", sealed)


def test_a_changed_byte_does_not_open(vault: Vault) -> None:
    """Tampering is noticed."""
    sealed = bytearray(vault.seal("case:D-2026-00001", "letter:1", b"x"))
    sealed[-1] ^= 1

    with pytest.raises(WrongKeyError):
        vault.unseal("case:D-2026-00001", "letter:1", bytes(sealed))


@pytest.mark.usefixtures("vault")
def test_another_master_key_is_refused_at_once(keys: SqlKeyStore) -> None:
    """A wrong key is one clear error before anything is read or written."""
    with pytest.raises(WrongKeyError, match="master_key"):
        Vault(bytes(32), keys)


def test_a_short_master_key_is_refused(keys: SqlKeyStore) -> None:
    """A master key has exactly 32 bytes."""
    with pytest.raises(WrongKeyError):
        Vault(b"short", keys)


def test_creating_a_key_twice_keeps_the_first(vault: Vault) -> None:
    """A repeated step does not make what was sealed before unreadable."""
    sealed = vault.seal("case:D-2026-00001", "a", b"x")

    vault.create_key("case:D-2026-00001")

    assert vault.unseal("case:D-2026-00001", "a", sealed) == b"x"


def test_a_shared_mail_key_opens_through_the_case_after_the_mailbox_let_go(vault: Vault) -> None:
    """After triage a mail belongs to its case alone."""
    vault.create_key("mailbox:main")
    vault.create_key("mail:abc", wrapped_by="mailbox:main")
    sealed = vault.seal("mail:abc", "raw", b"mail")

    vault.share_key("mail:abc", wrapped_by="case:D-2026-00001")
    vault.withdraw_key("mail:abc", wrapped_by="mailbox:main")

    assert vault.unseal("mail:abc", "raw", sealed) == b"mail"


def test_destroying_a_case_key_makes_its_mails_unreadable(vault: Vault) -> None:
    """Purging a case is destroying one key."""
    vault.create_key("mail:abc", wrapped_by="case:D-2026-00001")
    sealed = vault.seal("mail:abc", "raw", b"mail")

    vault.destroy_key("case:D-2026-00001")

    with pytest.raises(WrongKeyError):
        vault.unseal("mail:abc", "raw", sealed)


def test_a_mail_of_two_cases_survives_the_purge_of_one(vault: Vault) -> None:
    """One mail about two persons stays readable in the other's case."""
    vault.create_key("case:D-2026-00002")
    vault.create_key("mail:abc", wrapped_by="case:D-2026-00001")
    vault.share_key("mail:abc", wrapped_by="case:D-2026-00002")
    sealed = vault.seal("mail:abc", "raw", b"mail")

    vault.destroy_key("case:D-2026-00001")

    assert vault.unseal("mail:abc", "raw", sealed) == b"mail"


def test_blind_index_depends_on_the_master_key(vault: Vault, tmp_path: Path) -> None:
    """Without the master key nobody can compute who is behind an index."""
    other = Vault(bytes(32), SqlKeyStore(f"sqlite:///{tmp_path}/other.sqlite3"))
    email = Identifier(type=IdentifierType.EMAIL, value="asa@example.se")

    assert vault.index_identifier(email) != other.index_identifier(email)


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_any_bytes_survive(tmp_path_factory: pytest.TempPathFactory, plain: bytes, context: str) -> None:
    """Whatever a mail holds comes back unchanged."""
    vault = Vault(MASTER, SqlKeyStore(f"sqlite:///{tmp_path_factory.mktemp('keys')}/keys.sqlite3"))
    vault.create_key("k")

    assert vault.unseal("k", context, vault.seal("k", context, plain)) == plain


def test_many_values_are_each_sealed_under_a_key_of_their_own(vault: Vault) -> None:
    vault.create_key("mailbox:privacy")
    plains = {f"mail:{number}": f"mail {number}".encode() for number in range(1200)}
    sealed = vault.seal_each(plains, wrapped_by="mailbox:privacy", context="raw")
    assert {name: vault.unseal(name, "raw", content) for name, content in sealed.items()} == plains
    vault.destroy_key("mail:7")
    with pytest.raises(WrongKeyError):
        vault.unseal("mail:7", "raw", sealed["mail:7"])
    assert vault.unseal("mail:8", "raw", sealed["mail:8"]) == b"mail 8"


def test_a_key_that_exists_is_used_whoever_wraps_it(vault: Vault) -> None:
    """A mail that is known from a case and seen again is not sealed under a second key."""
    for name in ("mailbox:privacy", "case:1"):
        vault.create_key(name)
    vault.create_key("mail:1", wrapped_by="case:1")
    before = vault.seal("mail:1", "raw", b"first")
    again = vault.seal_each({"mail:1": b"second"}, wrapped_by="mailbox:privacy", context="raw")
    assert (vault.unseal("mail:1", "raw", before), vault.unseal("mail:1", "raw", again["mail:1"])) == (
        b"first",
        b"second",
    )


class Overtaken:
    """A key store in which another process makes the key "mail:1" just after this one looked for it, once."""

    def __init__(self, keys: SqlKeyStore, other: Vault) -> None:
        self._keys = keys
        self._other: Vault | None = other

    def get(self, key_id: str) -> dict[str, bytes]:
        found = self._keys.get(key_id)
        if key_id == "mail:1" and self._other is not None:
            other, self._other = self._other, None
            other.create_key("mail:1", wrapped_by="mailbox:z")
        return found

    def get_many(self, key_ids: Collection[str]) -> dict[str, dict[str, bytes]]:
        return self._keys.get_many(key_ids)

    def put(self, key_id: str, wrapped_by: str, wrapped: bytes) -> bool:
        return self._keys.put(key_id, wrapped_by, wrapped)

    def put_new(self, wraps: Sequence[tuple[str, str, bytes]]) -> None:
        self._keys.put_new(wraps)

    def remove(self, key_id: str, wrapped_by: str | None = None) -> None:
        self._keys.remove(key_id, wrapped_by)

    def truncate_log(self) -> None:
        self._keys.truncate_log()

    def one_commit(self) -> AbstractContextManager[None]:
        return self._keys.one_commit()


def test_keys_of_one_commit_are_stored_together_or_not_at_all(vault: Vault, keys: SqlKeyStore) -> None:
    def make_two_and_fail() -> None:
        with vault.one_commit():
            vault.create_key("case:D-2026-00002")
            vault.create_key("mail:1", wrapped_by="case:D-2026-00002")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_two_and_fail()
    assert keys.get_many(["case:D-2026-00002", "mail:1"]) == {}

    with vault.one_commit():
        vault.create_key("case:D-2026-00002")
    assert vault.wrapped_by("case:D-2026-00002") == {"master"}


def test_a_key_destroyed_within_one_commit_opens_nothing_more(vault: Vault) -> None:
    with vault.one_commit():
        vault.create_key("case:D-2026-00001")
        sealed = vault.seal("case:D-2026-00001", "x", b"hello")
        vault.destroy_key("case:D-2026-00001")
        with pytest.raises(WrongKeyError):
            vault.unseal("case:D-2026-00001", "x", sealed)


def test_a_key_destroyed_within_a_step_opens_nothing_more(vault: Vault) -> None:
    sealed = vault.seal("case:D-2026-00001", "letter:1", b"x")
    with vault.opened_once():
        vault.unseal("case:D-2026-00001", "letter:1", sealed)
        vault.destroy_key("case:D-2026-00001")
        with pytest.raises(WrongKeyError):
            vault.unseal("case:D-2026-00001", "letter:1", sealed)


def test_a_key_destroyed_in_a_commit_of_a_step_opens_nothing_more(vault: Vault) -> None:
    sealed = vault.seal("case:D-2026-00001", "letter:1", b"x")
    with vault.opened_once():
        vault.unseal("case:D-2026-00001", "letter:1", sealed)
        with vault.one_commit():
            vault.destroy_key("case:D-2026-00001")
        with pytest.raises(WrongKeyError):
            vault.unseal("case:D-2026-00001", "letter:1", sealed)


def test_a_key_that_another_process_destroys_opens_nothing_more_after_seconds(vault: Vault, keys: SqlKeyStore) -> None:
    sealed = vault.seal("case:D-2026-00001", "letter:1", b"x")
    with vault.opened_once():
        vault.unseal("case:D-2026-00001", "letter:1", sealed)
        Vault(MASTER, keys).destroy_key("case:D-2026-00001")
        time.sleep(2.1)
        with pytest.raises(WrongKeyError):
            vault.unseal("case:D-2026-00001", "letter:1", sealed)


def test_a_step_asks_for_a_key_once(vault: Vault, keys: SqlKeyStore) -> None:
    """A letter takes a dozen values of its case, and each time the key store was asked."""
    asked: list[str] = []
    sa.event.listen(keys.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    with vault.opened_once():
        for number in range(5):
            vault.seal("case:D-2026-00001", f"letter:{number}", b"x")
    assert len([each for each in asked if "wrapped_key" in each]) == 1


def test_a_key_that_two_processes_make_at_once_is_one_key(vault: Vault, keys: SqlKeyStore) -> None:
    """The same mail in two mailboxes: what either of them seals, both open."""
    vault.create_key("mailbox:a")
    vault.create_key("mailbox:z")
    late = Vault(MASTER, Overtaken(keys, vault))

    late.create_key("mail:1", wrapped_by="mailbox:a")

    assert late.unseal("mail:1", "raw", vault.seal("mail:1", "raw", b"hello")) == b"hello"
    assert vault.unseal("mail:1", "raw", late.seal("mail:1", "raw", b"hello")) == b"hello"
    assert list(keys.get("mail:1")) == ["mailbox:z"]


def test_a_damaged_wrap_does_not_hide_the_one_that_holds(vault: Vault, keys: SqlKeyStore) -> None:
    vault.create_key("mailbox:a")
    vault.create_key("mail:1", wrapped_by="mailbox:a")
    sealed = vault.seal("mail:1", "raw", b"hello")
    vault.share_key("mail:1", wrapped_by="case:D-2026-00001")
    keys.remove("mail:1", "mailbox:a")
    keys.put("mail:1", "mailbox:a", b"damaged")

    assert vault.unseal("mail:1", "raw", sealed) == b"hello"
