"""A connector in a package of its own, built and installed like any other, passes the suite through the registry."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connectors import conformance, kinds, open_connector
from dsar.declaration import parse_declaration

DECLARATION = parse_declaration(conformance.DECLARATION.format(kind="ledger", place=""), source="conformance")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the package."""
    place = tmp_path_factory.mktemp("site")
    package = Path(__file__).parent / "third_party"
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(place)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(package)], check=True)
    return place


class TestThirdParty(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
):
    @pytest.fixture
    def connector(self, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.syspath_prepend(installed)
        (tmp_path / "cards.json").write_text(json.dumps({row["no"]: row for row in conformance.ROWS}), "utf-8")
        options = {"ledger_file": str(tmp_path / "cards.json")}
        return open_connector("ledger", name="acme", declaration=DECLARATION, options=options)

    def test_is_listed_beside_our_own(self, connector: object) -> None:
        assert {"ledger", "memory", "sql"} <= set(kinds())
