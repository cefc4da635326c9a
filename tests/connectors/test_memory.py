"""The reference implementation passes the suite."""

import base64

import pytest

from connectors import conformance
from connectors.memory import MemoryConnector
from dsar.declaration import parse_declaration


class TestMemoryConnector(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.AttachTests,
    conformance.UpdateTests,
    conformance.EraseTests,
    conformance.SuppressTests,
    conformance.LookUpTests,
):
    @pytest.fixture
    def connector(self) -> MemoryConnector:
        attached = '{label = {sv = "Avtal", en = "Agreement"}, name = "paper_name", content = "paper"}'
        text = conformance.DECLARATION.format(kind="memory", place=f"documents = [{attached}]")
        rows = {"customer": [dict(row) for row in conformance.ROWS]}
        rows["customer"][0]["paper"] = base64.b64encode(conformance.PAPER.content).decode()
        rows["customer"][0]["paper_name"] = conformance.PAPER.name
        return MemoryConnector(name="memory", declaration=parse_declaration(text, source="test"), rows=rows)
