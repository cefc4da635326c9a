"""The company that journeys happen in."""

from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    """A company of its own for one test: real IMAP over TLS, real SMTP over TLS, sample systems."""
    return Company(tmp_path, dovecot_server, smtp_sink, mail_user)
