"""
IMAP folder -> batches of RawMail, and back: handled mail into the done folder, sent letters into the sent folder.

Effects: one IMAP connection; the only code of the program that speaks IMAP for the privacy mailbox. `line` keeps a
mailbox open, `mailbox` holds the use cases, `connection` makes one connection trustworthy, `wire` is the text of the
protocol.
"""

from dsar.inbox.connection import ImapAccount
from dsar.inbox.line import Line
from dsar.inbox.mailbox import Census, ImapInbox

__all__ = ["Census", "ImapAccount", "ImapInbox", "Line"]
