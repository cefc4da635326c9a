"""These tests want the running lab of `make test-lab`; without it they are left out, and ../conftest.py tells of it."""

import os
import uuid
from collections.abc import Iterator

import pytest
from servers import DovecotServer, SmtpSink, TlsFiles

from lab.company import LabCompany


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Not a skip, which fails a run of CI: there, the lab has a run of its own."""
    if os.environ.get("DSAR_LAB") == "up":
        return
    left_out = [item for item in items if item.path.is_relative_to(config.rootpath / "tests" / "lab")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="module")
def company(
    dovecot_server: DovecotServer, tls_files: TlsFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabCompany]:
    """A company of its own for the tests of one file, over the lab that they share."""
    with SmtpSink(tls_files) as sink:
        yield LabCompany(tmp_path_factory.mktemp("company"), dovecot_server, sink, f"u{uuid.uuid4().hex[:12]}")
