"""
Kind of connector -> connector.

Effects: imports the module of the kind that is asked for, nothing else. Other packages add kinds through the entry
points of group `dsar.connectors` (name = kind, object = a callable with the signature of `open_connector` without
*kind*). A kind that cannot be loaded is an error: a missing connector would make an answer to a person incomplete.
"""

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from dsar.connector import Searches
from dsar.errors import SettingsError

if TYPE_CHECKING:
    from dsar.declaration import Declaration

#: Kind -> "module:callable".
CONNECTORS = {
    "sql": "connectors.sql:open_sql",
    "files": "connectors.files:open_files",
    "rest": "connectors.rest:open_rest",
    "carddav": "connectors.carddav:open_carddav",
    "imap": "connectors.imap:open_imap",
    "ldap": "connectors.ldap:open_ldap",
    "manual": "connectors.manual:open_manual",
    "memory": "connectors.memory:open_memory",
}


def open_connector(kind: str, *, name: str, declaration: "Declaration", options: Mapping[str, str]) -> Searches:
    """
    The connector of a *kind* for the system *name*; which abilities it has shows in its type.

    Args: name: of the system in settings; options: the settings of this system, secrets resolved.
    Raises: SettingsError for an unknown kind or wrong options.
    """
    connector: Searches = _factory(kind)(name=name, declaration=declaration, options=options)
    return connector


def check_options(name: str, options: Mapping[str, str], *, required: frozenset[str], optional: frozenset[str]) -> None:
    """Raises: SettingsError with every missing and every unknown option of the system *name*."""
    faults = [f"system {name}: {option} is missing" for option in sorted(required - set(options))]
    faults += [f"system {name}: {option} is unknown" for option in sorted(set(options) - required - optional)]
    if faults:
        raise SettingsError(faults)


def kinds() -> tuple[str, ...]:
    """Every kind of connector that is installed."""
    return tuple(sorted({*CONNECTORS, *(entry.name for entry in entry_points(group="dsar.connectors"))}))


def _factory(kind: str) -> Callable[..., Any]:
    if kind in CONNECTORS:
        module, _, attribute = CONNECTORS[kind].partition(":")
        factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
        return factory
    added = {entry.name: entry for entry in entry_points(group="dsar.connectors")}  # looks at all that is installed
    if kind in added:
        loaded: Callable[..., Any] = added[kind].load()
        return loaded
    raise SettingsError([f"there is no connector of kind {kind!r}; there are: {', '.join(kinds())}"])
