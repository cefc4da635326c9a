"""The company that journeys happen in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink, TlsFiles

from .company import Company


@pytest.fixture
def smtp_sink(request: pytest.FixtureRequest, tls_files: TlsFiles, dovecot_server: DovecotServer) -> Iterator[SmtpSink]:
    """A real SMTP server over TLS that delivers what it takes into the recipients' mailboxes, or keeps it if marked."""
    keeps = request.node.get_closest_marker("keeps_mail")
    with SmtpSink(tls_files, deliver=None if keeps else dovecot_server.deliver) as sink:
        yield sink


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    """A company of its own for one test: real IMAP over TLS, real SMTP over TLS, sample systems."""
    return Company(tmp_path, dovecot_server, smtp_sink, mail_user)
