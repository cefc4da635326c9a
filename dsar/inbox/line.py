"""
A mailbox that is needed again and again -> one connection, kept for as long as it works.

Effects: opens and closes connections. A new one costs far more than what is done over it: TLS, the log-in, and with
Dovecot a process of the server.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from dsar.inbox.mailbox import ImapInbox


class Line:
    """A connection to one mailbox, opened on use. Not for several threads."""

    def __init__(self, open_inbox: Callable[[], AbstractContextManager[ImapInbox]]) -> None:
        self._open_inbox = open_inbox
        self._opened: AbstractContextManager[ImapInbox]
        self.inbox: ImapInbox | None = None

    def connected(self) -> ImapInbox:
        """Raises: InboxUnavailableError, TokenUnavailableError."""
        if self.inbox is None:
            self._opened = self._open_inbox()
            self.inbox = self._opened.__enter__()
        return self.inbox

    def drop(self, error: BaseException | None = None) -> None:
        """End the connection, politely unless *error* is why."""
        inbox, self.inbox = self.inbox, None
        if inbox is not None:
            self._opened.__exit__(type(error) if error else None, error, None)

    @contextmanager
    def lent(self) -> Iterator[ImapInbox]:
        """
        The mailbox for one block, over a new connection if the server has ended the one of the time before.

        What fails within ends the connection: what had been asked of it may not have been answered yet.
        Raises: as connected().
        """
        if self.inbox is not None and not self.inbox.answers():
            self.drop()
        try:
            yield self.connected()
        except BaseException as error:
            self.drop(error)
            raise
