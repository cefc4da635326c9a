"""
Real mail servers on this machine for tests: Dovecot, an SMTP sink with faults, an IMAP server that lies, pymap.

Effects: each starts on free loopback ports as a context manager and is gone afterwards.
"""

from servers.books import BookServer, radicale, xandikos
from servers.dovecot import DovecotServer, dovecot
from servers.lying import SELECTED, ImapCommand, ImapScript, LyingImapServer, ScriptedMailbox
from servers.parts import PASSWORD, TlsFiles, free_port, make_tls, password
from servers.pymap import pymap_server
from servers.smtp import Fault, SmtpSink, TakenMail

__all__ = [
    "PASSWORD",
    "SELECTED",
    "BookServer",
    "DovecotServer",
    "Fault",
    "ImapCommand",
    "ImapScript",
    "LyingImapServer",
    "ScriptedMailbox",
    "SmtpSink",
    "TakenMail",
    "TlsFiles",
    "dovecot",
    "free_port",
    "make_tls",
    "password",
    "pymap_server",
    "radicale",
    "xandikos",
]
