"""One connector passes the suite on three real databases."""

from typing import Any

import pytest
from crm import Database

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration

pytestmark = pytest.mark.xdist_group("databases")  # one server of each for all


class TestSqlConnector(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.AttachTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
    conformance.LookUpTests,
    conformance.TurnTests,
):
    @pytest.fixture
    def connector(self, database: Database) -> Any:
        attached = '{label = {sv = "Avtal", en = "Agreement"}, name = "paper_name", content = "paper"}'
        place = f'table = "customers"\ndocuments = [{attached}]'
        declaration = parse_declaration(conformance.DECLARATION.format(kind="sql", place=place), source="conformance")
        options = {"url": database.url, "write_url": database.url}
        return open_connector("sql", name="crm", declaration=declaration, options=options)
