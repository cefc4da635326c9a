"""What is changed in a directory, and what stops a change."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directories import SAMPLE, connect, connect_writing, sample
from servers.slapd import GROUPS, PEOPLE, SUFFIX, DirectoryServer, slapd

from connectors import conformance
from connectors.ldap.directory import Directory, Entry
from dsar.declaration import Declaration, parse_declaration
from dsar.errors import SystemContractError, SystemDriftError, SystemRefusedError, SystemUnavailableError
from dsar.model import IdentifierType, PlanStep, Record, RequestedChange, StepAction

JPEG = b"\xff\xd8\xff\xe0 a picture \x00\xff"
PHOTOS = """
[[object]]
name = "photo"
label = {sv = "Fotografi", en = "Photograph"}
base = "ou=people,dc=example,dc=se"
filter = "(jpegPhoto=*)"
each = "jpegPhoto"
activities = ["A10"]
reached_from = [{object = "account", their = "dn", ours = "dn"}]
erase = {action = "delete"}
documents = [{label = {sv = "Fotografi", en = "Photograph"}, content = "jpegPhoto"}]
fields = [{column = "dn", label = {sv = "Plats", en = "Place"}, category = "technical", asserted_by = "company"}]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DirectoryServer]:
    with slapd(tmp_path) as running:
        running.person("kanarie", mail="kanarie@example.com")
        yield running


def records_of_asa(server: DirectoryServer, declaration: Declaration | None = None) -> Sequence[Record]:
    return conformance.search(connect(server, declaration or sample()), IdentifierType.EMAIL, "asa@example.se")


def erase(server: DirectoryServer, declaration: Declaration | None = None) -> tuple[Any, Sequence[PlanStep]]:
    """The connector, and a plan that erases all that is found of Åsa."""
    connector = connect_writing(server, declaration or sample())
    return connector, connector.plan_erase(records_of_asa(server, declaration))


def change(field: str, old: str | None, new: str | None) -> RequestedChange:
    return RequestedChange(field=field, old=old, new=new, valid_from=None)


# ---------------------------------------------------------------------------------------------------- correcting


def test_one_of_several_values_is_changed_and_the_others_stay(server: DirectoryServer) -> None:
    dn = server.person("asa", mail=["asa@example.se", "old@example.se"], mobile="070-174 06 05")
    connector = connect_writing(server, sample())
    (step,) = connector.plan_update(records_of_asa(server), [change("email", "OLD@example.se", "new@example.se")])

    connector.apply(step, key="1")

    assert connector.verify(step).done
    stored = server.stored(dn) or {}
    assert sorted(stored["mail"]) == [b"asa@example.se", b"new@example.se"]
    assert stored["mobile"] == [b"070-174 06 05"]


def test_which_of_several_values_is_to_be_changed_is_asked_of_a_person(server: DirectoryServer) -> None:
    server.person("asa", mail=["asa@example.se", "old@example.se"])
    connector = connect_writing(server, sample())

    (step,) = connector.plan_update(records_of_asa(server), [change("email", None, "new@example.se")])

    assert step.action is StepAction.TASK


def test_a_first_value_is_added_and_the_last_one_removed(server: DirectoryServer) -> None:
    dn = server.person("asa", mail="asa@example.se", title="Chef")
    connector = connect_writing(server, sample())
    wanted = [change("phone", None, "070-174 06 05"), change("title", "Chef", None)]
    (step,) = connector.plan_update(records_of_asa(server), wanted)

    connector.apply(step, key="1")

    stored = server.stored(dn) or {}
    assert (stored["mobile"], "title" in stored) == ([b"070-174 06 05"], False)


@pytest.mark.parametrize(
    ("new", "stored"),
    [
        ("x\n-\nchangetype: delete", "x, -, changetype: delete"),
        ("*)(uid=*", "*)(uid=*"),
        ("Ö" * 50, "Ö" * 50),
        ("\\2a", "\\2a"),
    ],
)
def test_a_new_value_is_one_value_and_written_as_it_is(server: DirectoryServer, new: str, stored: str) -> None:
    dn = server.person("asa", mail="asa@example.se", title="Chef")
    connector = connect_writing(server, sample())
    (step,) = connector.plan_update(records_of_asa(server), [change("title", "Chef", new)])

    connector.apply(step, key="1")

    assert connector.verify(step).done
    assert (server.stored(dn) or {})["title"] == [stored.encode()]
    assert (server.stored(dn) or {})["mail"] == [b"asa@example.se"]


def test_a_value_that_its_attribute_cannot_hold_is_refused(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se")
    connector = connect_writing(server, sample())
    (step,) = connector.plan_update(records_of_asa(server), [change("email", "asa@example.se", "åsa@example.se")])

    with pytest.raises(SystemRefusedError, match="does not fit its attribute"):
        connector.apply(step, key="1")


def test_the_name_that_an_entry_is_filed_under_is_not_changed_alone(server: DirectoryServer) -> None:
    server.add(f"cn=Asa Ek,{PEOPLE}", ["inetOrgPerson"], {"sn": "Ek", "mail": "asa@example.se"})
    connector = connect_writing(server, sample())
    (step,) = connector.plan_update(records_of_asa(server), [change("name", "Asa Ek", "Asa Lind")])

    with pytest.raises(SystemRefusedError, match="part of the entry's name"):
        connector.apply(step, key="1")


# -------------------------------------------------------------------------------------------------------- erasing


def test_a_person_is_taken_out_of_groups_first_and_then_out_of_the_directory(server: DirectoryServer) -> None:
    asa, bo = server.person("asa", mail="asa@example.se"), server.person("bo")
    server.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": [asa, bo]})
    server.add(f"cn=vpn,{GROUPS}", ["posixGroup"], {"gidNumber": "7", "memberUid": ["bo", "asa"]})
    connector, steps = erase(server)

    conformance.EraseTests.carry_out(connector, steps)

    assert steps[-1].object == "account"
    assert server.stored(asa) is None
    assert (server.stored(f"cn=alla,{GROUPS}") or {})["member"] == [bo.encode()]
    assert (server.stored(f"cn=vpn,{GROUPS}") or {})["memberUid"] == [b"bo"]


def test_an_entry_that_a_group_still_names_is_not_deleted(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    server.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": [asa]})
    connector, steps = erase(server)

    with pytest.raises(SystemRefusedError, match="1 other entries still name it"):
        connector.apply(steps[-1], key="1")

    assert server.stored(asa) is not None


def test_the_last_member_of_a_group_that_must_have_one_is_refused(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    server.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": [asa]})
    connector, steps = erase(server)

    with pytest.raises(SystemRefusedError, match="as its schema demands"):
        connector.apply(steps[0], key="1")


def test_an_entry_that_is_gone_but_named_is_not_called_erased(server: DirectoryServer) -> None:
    asa, bo = server.person("asa", mail="asa@example.se"), server.person("bo")
    server.add(f"cn=alla,{GROUPS}", ["groupOfNames"], {"member": [asa, bo]})
    connector, steps = erase(server)
    server.remove(asa)

    outcome = connector.verify(steps[-1])

    assert (outcome.done, outcome.detail) == (False, "1 other entries still name it")


def test_an_entry_with_others_below_it_is_refused(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    server.add(f"cn=phone,{asa}", ["device"], {})
    connector, (step,) = erase(server)

    with pytest.raises(SystemRefusedError, match="entries lie below it"):
        connector.apply(step, key="1")


def test_a_photograph_alone_can_go(server: DirectoryServer) -> None:
    """A picture has no equality rule, so the directory cannot be told which one to take out."""
    asa = server.person("asa", mail="asa@example.se", jpegPhoto=[JPEG, JPEG + b"2"])
    declaration = parse_declaration(SAMPLE + PHOTOS, source="x.toml")
    connector, steps = erase(server, declaration)
    photo = next(each for each in steps if each.object == "photo")

    connector.apply(photo, key="1")

    assert connector.verify(photo).done
    assert len((server.stored(asa) or {})["jpegPhoto"]) == 1


def test_an_entry_that_was_moved_meanwhile_is_not_called_erased(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    connector, (step,) = erase(server)
    server.move(asa, f"ou=services,{SUFFIX}")

    with pytest.raises(SystemDriftError):
        connector.apply(step, key="1")
    assert not connector.verify(step).done


def test_an_entry_that_gained_something_after_approval_is_not_deleted(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    connector, (step,) = erase(server)
    server.change(asa, carLicense="ABC123")

    with pytest.raises(SystemDriftError):
        connector.apply(step, key="1")
    assert server.stored(asa) is not None


@pytest.mark.parametrize(
    "write",
    [
        lambda directory, entry: directory.delete(entry, object_="account"),
        lambda directory, entry: directory.modify(entry, {"title": [b"Ingen"]}, object_="account"),
    ],
)
def test_an_entry_changed_between_reading_and_writing_is_not_touched(
    server: DirectoryServer, write: Callable[[Directory, Entry], None]
) -> None:
    """RFC 4528: the change is asked for with an assertion that the entry is the one that was read."""
    asa = server.person("asa", mail="asa@example.se", title="Chef")
    connector = connect_writing(server, sample())

    with Directory("directory", connector._writing) as directory:
        ((entry,), _) = directory.read(asa, "(objectClass=*)", ["*", "entryCSN"])
        server.change(asa, carLicense="ABC123")
        with pytest.raises(SystemDriftError):
            write(directory, entry)

    assert (server.stored(asa) or {})["title"] == [b"Chef"]


@pytest.mark.parametrize("key", ["*", "*)(uid=*", "", "\\2a", "asa"])
def test_a_key_that_names_no_entry_is_refused(server: DirectoryServer, key: str) -> None:
    asa = server.person("asa", mail="asa@example.se")
    connector, (step,) = erase(server)

    with pytest.raises(SystemContractError, match="a key names no entry"):
        connector.apply(replace(step, key=key), key="1")

    assert server.stored(asa) is not None


def test_that_nobody_is_seen_any_more_proves_no_erasure(server: DirectoryServer) -> None:
    server.person("asa", mail="asa@example.se")
    _, (step,) = erase(server)
    blind = connect_writing(server, sample(), user="blind")

    with pytest.raises(SystemUnavailableError, match="canary"):
        blind.verify(step)


def test_an_account_that_may_only_read_is_refused(server: DirectoryServer) -> None:
    asa = server.person("asa", mail="asa@example.se")
    _, (step,) = erase(server)
    reading = connect_writing(server, sample(), writer="reader")

    with pytest.raises(SystemRefusedError, match=r"the account may not do that \(LDAP 50\)"):
        reading.apply(step, key="1")
    assert server.stored(asa) is not None
