"""A real OpenLDAP passes the suite."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from directories import connect_writing, declared, fill
from servers.slapd import slapd

from connectors import conformance


class TestLdap(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
    conformance.TurnTests,
):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Any]:
        with slapd(tmp_path) as server:
            fill(server)
            yield connect_writing(server, declared())
