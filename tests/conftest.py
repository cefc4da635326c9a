"""What all tests share."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from crm import database  # noqa: F401  # a fixture
from databases import KIND, mariadb, own_server, postgresql  # noqa: F401  # fixtures: one server of each for all tests
from servers import DovecotServer, SmtpSink, TlsFiles, dovecot, make_tls
from servers.parts import missing
from servers.web import serving  # noqa: F401  # a fixture

# As dsar.guard sees to it: threads that wait for each other would count as the processor time of a mail.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A busy machine makes no test wrong: what must be fast has a benchmark.
hypothesis.settings.register_profile("dsar", deadline=None)
hypothesis.settings.load_profile("dsar")


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if reporter else 0


def _asked_for(config: pytest.Config) -> list[Path]:
    """Files and folders of the command line, made absolute."""
    return [(config.invocation_params.dir / each.partition("::")[0]).resolve() for each in config.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where dsar's data lie in PostgreSQL, tests that look into its SQLite file have nothing to look into."""
    if KIND != "sqlite":
        left = [item for item in items if item.get_closest_marker("sqlite_file") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in left])
        items[:] = left


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI everything is proven: there a skipped test fails the run."""
    if os.environ.get("CI") and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lab = Path(__file__).parent / "lab"
    wanted = any(lab.is_relative_to(path) or path.is_relative_to(lab) for path in _asked_for(config))
    if wanted and os.environ.get("DSAR_LAB") != "up":
        told = "The tests on real products (tests/lab) were NOT run: they want the lab, which 'make test-lab' starts"
        terminalreporter.section(told, sep="!", yellow=True)
    if os.environ.get("CI") and (skipped := _skipped(config)):
        terminalreporter.section(f"CI is set: {skipped} skipped, so this run has FAILED", sep="!", red=True)


# ------------------------------------------------------------------------------------------------- readers of PDF


@pytest.fixture(scope="session")
def poppler() -> None:
    """pdftotext and pdfinfo, which read a PDF as people and screen readers do."""
    if shutil.which("pdftotext") is None:
        missing("poppler-utils")


@pytest.fixture(scope="session")
def qpdf() -> None:
    """What checks a PDF for faults."""
    if shutil.which("qpdf") is None:
        missing("qpdf")


# ---------------------------------------------------------------------------------------------------- mail servers


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[DovecotServer]:
    """A real IMAP server over TLS; every user name has an empty mailbox, password "test"."""
    directory = Path(tempfile.mkdtemp(prefix="dsar-"))
    directory.chmod(0o755)  # it reads mail as another user than root
    try:
        with dovecot(directory) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def mail_user() -> str:
    """A user name that no other test uses."""
    return f"u{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A CA of our own and a certificate for localhost."""
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def smtp_sink(tls_files: TlsFiles) -> Iterator[SmtpSink]:
    """A real SMTP server over TLS with log-in that stores what it takes and fails on demand."""
    with SmtpSink(tls_files) as sink:
        yield sink
