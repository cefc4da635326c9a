"""
Values -> rows, and back: the only place with SQL.

Effects: reads and writes the database. One `with store.transaction() as tx:` is one transaction; the queries stand in
one module per subject and are the methods of the transaction.
"""

from dsar.store.engine import Store, Transaction
from dsar.store.keys import SqlKeyStore
from dsar.store.plans import DO_NOT_RESTORE, DONE_BY_PROGRAM, ERASE_LATER, VERIFY_AGAIN
from dsar.store.work import SORTING, SUBJECTS

__all__ = [
    "DONE_BY_PROGRAM",
    "DO_NOT_RESTORE",
    "ERASE_LATER",
    "SORTING",
    "SUBJECTS",
    "VERIFY_AGAIN",
    "SqlKeyStore",
    "Store",
    "Transaction",
]
