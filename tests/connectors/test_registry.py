"""How kinds of connectors are known, and that other packages can add some."""

import sys
from pathlib import Path

import pytest

from connectors import open_connector
from connectors.memory import MemoryConnector
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError

DECLARATION = parse_declaration(
    """
name = "x"
kind = "addon"
label = {sv = "X", en = "X"}
[[object]]
name = "thing"
label = {sv = "Sak", en = "Thing"}
key = "id"
activities = ["A1"]
fields = [{column = "id", label = {sv = "Id", en = "Id"}, category = "technical"}]
""",
    source="x.toml",
)


def test_an_unknown_kind_names_the_known_ones() -> None:
    known = "carddav, files, imap, ldap, manual, memory, rest, sql"
    with pytest.raises(SettingsError, match=f"no connector of kind 'telepathy'; there are: {known}"):
        open_connector("telepathy", name="crm", declaration=DECLARATION, options={})


def test_a_kind_whose_extra_is_not_installed_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldap3", None)
    for module in [each for each in sys.modules if each.startswith("connectors.ldap")]:
        monkeypatch.delitem(sys.modules, module)

    with pytest.raises(SettingsError, match=r"a system of kind ldap needs ldap3: install 'dsar\[ldap\]'"):
        open_connector("ldap", name="directory", declaration=DECLARATION, options={})


def test_an_installed_package_adds_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry-point group is dsar.connectors; the object is called like open_connector, without the kind."""
    (tmp_path / "addon.py").write_text(
        "from connectors.memory import MemoryConnector\n"
        "def open_addon(*, name, declaration, options):\n"
        "    return MemoryConnector(name=name, declaration=declaration, rows={})\n"
    )
    metadata = tmp_path / "addon-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: addon\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[dsar.connectors]\naddon = addon:open_addon\n")
    monkeypatch.syspath_prepend(tmp_path)

    connector = open_connector("addon", name="extra", declaration=DECLARATION, options={})

    assert isinstance(connector, MemoryConnector)
