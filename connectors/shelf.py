"""
Name of a product -> the declaration that is shipped for it, and its section of settings.ini.

Effects: reads the package's own files.
"""

import re
from importlib.resources import files

from dsar.errors import SettingsError


def names() -> tuple[str, ...]:
    """Every product that a declaration is shipped for."""
    found = (entry.name.removesuffix(".toml") for entry in files("connectors.products").iterdir())
    return tuple(sorted(name for name in found if name not in {"register", "__init__.py", "__pycache__"}))


def of_product(name: str) -> str:
    """Its declaration. Raises: SettingsError, which names those that there are."""
    if name not in names():
        raise SettingsError([f"no declaration is shipped for {name!r}; there are: {', '.join(names())}"])
    return (files("connectors.products") / f"{name}.toml").read_text(encoding="utf-8")


def settings_of(name: str) -> str:
    """The section that stands as a comment at the top of its declaration. Raises: SettingsError."""
    section = re.search(rf"^# \[system\.{re.escape(name)}\]\n(?:# .+ = .*\n)+", of_product(name), re.MULTILINE)
    if section is None:
        raise AssertionError("the declaration of a product begins with its section of settings")
    return re.sub(r"^# ", "", section[0], flags=re.MULTILINE)
