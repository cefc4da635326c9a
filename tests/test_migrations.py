"""Migrations only add, so that the previous version works on until it is replaced; or they say that it must not."""

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

import dsar.store
from dsar.store.version import REVISION

MIGRATIONS = Path(dsar.store.__file__).parent / "migrations"
#: Of the releases before versions could work side by side.
BEFORE = {f"{number:04}" for number in range(1, 11)}
ADDING = {"create_table", "create_index", "batch_alter_table", "add_column", "f"}


def later() -> list[Path]:
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    return [file for file in files if file.name[:4] not in BEFORE]


def test_the_program_knows_the_revision_of_its_tables() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == REVISION


@pytest.mark.parametrize("file", later(), ids=lambda file: file.stem)
def test_a_migration_adds_or_names_the_oldest_version_that_may_go_on(file: Path) -> None:
    (upgrade,) = (
        node
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    said = ast.unparse(upgrade)
    done = {
        call.func.attr
        for call in ast.walk(upgrade)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"op", "batch_op"}
    }
    assert done <= ADDING or "INSERT INTO schema_floor" in said
    added = [line for line in said.splitlines() if ".add_column(" in line]
    assert all("nullable=True" in line or "server_default=" in line for line in added)
