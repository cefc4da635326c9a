"""Files in which a product keeps something of a removed record: gone with it, nobody else's touched, or a task (P7)."""

from pathlib import Path

import pytest

from connectors import leftovers
from dsar.declaration import parse_declaration
from dsar.declaration.system import DeclaredObject
from dsar.errors import SettingsError

DECLARATION = """
name = "lists"
kind = "memory"
label = {{sv = "L", en = "L"}}
[[object]]
name = "user"
label = {{sv = "P", en = "S"}}
key = "id"
activities = ["A5"]
find = [{{by = "email", columns = ["email"]}}]
erase = {erase}
residue_files = [{residue}]
fields = [
  {{column = "id", label = {{sv = "N", en = "N"}}, category = "technical", asserted_by = "company"}},
  {{column = "email", label = {{sv = "E", en = "E"}}, category = "contact", asserted_by = "company"}},
  {{column = "box", label = {{sv = "B", en = "B"}}, category = "technical", asserted_by = "company"}},
]
"""
LABEL = 'label = {sv = "F", en = "F"}'
LOG = f'{{{LABEL}, files = "logs/*.log", holding = ["email"], action = "blank"}}'
QUEUE = f'{{{LABEL}, files = "queue/*.pck", holding = ["email"], action = "delete"}}'
CACHE = f'{{{LABEL}, files = "{{box}}/**/index.cache", action = "rebuild"}}'
BO = {"id": "1", "email": "bo.ek@example.com", "box": "sales"}


def user(residue: str, *, erase: str = '{action = "delete"}') -> DeclaredObject:
    return parse_declaration(DECLARATION.format(erase=erase, residue=residue), source="x.toml").objects[0]


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_log_that_is_being_written_loses_the_address_and_nothing_else(tmp_path: Path) -> None:
    log = put(tmp_path, "logs/mail.log", b"joined: Bo.Ek@example.com (jobbo.ek@example.com stays)\nnext\n")
    with log.open("ab") as product:
        leftovers.remove("lists", tmp_path, user(LOG), BO)
        product.write(b"still writing\n")

    assert log.read_bytes() == b"joined: xxxxxxxxxxxxxxxxx (jobbo.ek@example.com stays)\nnext\nstill writing\n"
    assert leftovers.count("lists", tmp_path, user(LOG), BO) == 0


def test_an_address_is_found_where_a_large_file_is_torn_for_reading(tmp_path: Path) -> None:
    before = b"a" * ((1 << 20) - 8) + b" "  # it is read a megabyte at a time
    log = put(tmp_path, "logs/mail.log", before + b"bo.ek@example.com left\n")

    leftovers.remove("lists", tmp_path, user(LOG), BO)

    assert log.read_bytes() == before + b"xxxxxxxxxxxxxxxxx left\n"


def test_a_file_in_a_queue_goes_whole_and_only_if_it_is_about_the_person(tmp_path: Path) -> None:
    his = put(tmp_path, "queue/1.pck", b"\x80\x04To: bo.ek@example.com")
    hers = put(tmp_path, "queue/2.pck", b"\x80\x04To: eva@example.com")
    assert leftovers.count("lists", tmp_path, user(QUEUE), BO) == 1

    leftovers.remove("lists", tmp_path, user(QUEUE), BO)
    leftovers.remove("lists", tmp_path, user(QUEUE), BO)

    assert (his.exists(), hers.exists()) == (False, True)
    assert leftovers.count("lists", tmp_path, user(QUEUE), BO) == 0


def test_an_index_that_the_product_builds_anew_goes_in_the_persons_mailbox_alone(tmp_path: Path) -> None:
    mine = put(tmp_path, "sales/.Trash/index.cache", b"x")
    other = put(tmp_path, "office/index.cache", b"x")

    leftovers.remove("lists", tmp_path, user(CACHE), BO)

    assert (mine.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize("box", ["", "..", "../office", "*", "sales/../office", "a\x00b"])
def test_a_value_never_leads_out_of_its_place_in_a_path(tmp_path: Path, box: str) -> None:
    other = put(tmp_path, "office/index.cache", b"x")

    leftovers.remove("lists", tmp_path, user(CACHE), {**BO, "box": box})

    assert other.exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path, "elsewhere/1.pck", b"bo.ek@example.com")
    (tmp_path / "product").mkdir()
    (tmp_path / "product" / "queue").symlink_to(tmp_path / "elsewhere")

    leftovers.remove("lists", tmp_path / "product", user(QUEUE), BO)

    assert outside.exists()


def test_a_value_that_stands_everywhere_by_chance_is_not_looked_for(tmp_path: Path) -> None:
    log = put(tmp_path, "logs/mail.log", b"Bo Ek 2026\n")

    leftovers.remove("lists", tmp_path, user(LOG), {**BO, "email": "Bo"})

    assert log.read_bytes() == b"Bo Ek 2026\n"


@pytest.mark.parametrize(
    ("residue", "erase", "fault"),
    [
        (f'{{{LABEL}, files = "/var/log/*", holding = ["email"], action = "delete"}}', None, "below the folder"),
        (f'{{{LABEL}, files = "../*", holding = ["email"], action = "delete"}}', None, "below the folder"),
        (f'{{{LABEL}, files = "*.log", action = "delete"}}', None, "files of everybody"),
        (f'{{{LABEL}, files = "{{box}}/*.log", action = "blank"}}', None, "what is overwritten"),
        (f'{{{LABEL}, files = "*", holding = ["phone"], action = "delete"}}', None, "'phone' is not among"),
        (CACHE, '{action = "anonymise", set = {email = ""}}', "'box' is not among what erasing"),
    ],
)
def test_a_declaration_that_would_clean_the_wrong_files_is_refused(residue: str, erase: str | None, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        user(residue, erase=erase or '{action = "delete"}')


def test_a_folder_that_is_not_there_is_a_mistake_in_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="residue_folder is no folder"):
        leftovers.folder_of("lists", {"residue_folder": str(tmp_path / "none")})
