"""Registers in files pass the suite: CSV in every encoding, spreadsheets; read only, and written back."""

from pathlib import Path
from typing import Any

import pytest
from registers import CELLS, as_csv, connect, connect_to_change, declared, write_book, write_xlsx

from connectors import conformance
from connectors.files import FilesConnector


class TestCsv(conformance.SearchTests, conformance.HealthTests):
    @pytest.fixture(params=["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"])
    def connector(self, request: pytest.FixtureRequest, tmp_path: Path) -> FilesConnector:
        (tmp_path / "register.csv").write_bytes(as_csv(CELLS).encode(request.param))
        return connect(tmp_path)


class TestXlsx(conformance.SearchTests, conformance.HealthTests):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> FilesConnector:
        write_xlsx(tmp_path / "register.xlsx", {"Blad1": [list(row) for row in CELLS]})
        return connect(tmp_path)


class TestChangedCsv(
    conformance.SearchTests,
    conformance.AttachTests,
    conformance.LookUpTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
):
    @pytest.fixture(params=["utf-8-sig", "cp1252", "utf-16"])
    def connector(self, request: pytest.FixtureRequest, tmp_path: Path) -> Any:
        (tmp_path / "avtal").mkdir()
        (tmp_path / "avtal" / conformance.PAPER.name).write_bytes(conformance.PAPER.content)
        paths = ["paper", f"avtal\\{conformance.PAPER.name}", *[""] * 4]
        cells = [[*row, path] for row, path in zip(CELLS, paths, strict=True)]
        (tmp_path / "register.csv").write_bytes(as_csv(cells).encode(request.param))
        place = 'file = "*.csv"\ndocuments = [{label = {sv = "Avtal", en = "Agreement"}, file = "paper"}]'
        return connect_to_change(tmp_path, declared(place))


class TestChangedXlsx(
    conformance.SearchTests, conformance.UpdateTests, conformance.EraseTests, conformance.SuppressTests
):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> Any:
        write_book(tmp_path / "register.xlsx")
        return connect_to_change(tmp_path)
