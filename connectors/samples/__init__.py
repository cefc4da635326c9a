"""
A sample world of three systems, for the demo and the tests: a business system, a web shop and an office register.

Effects: `create` writes files. Everybody in it is invented.
"""

import sqlite3
from importlib.resources import files
from pathlib import Path

#: System -> kind of connector and its options, with {folder} for the place of the sample world.
SYSTEMS = {
    "business": ("sql", {"url": "sqlite:///{folder}/business.db", "write_url": "sqlite:///{folder}/business.db"}),
    "webshop": ("sql", {"url": "sqlite:///{folder}/webshop.db", "write_url": "sqlite:///{folder}/webshop.db"}),
    "office": ("files", {"folder": "{folder}/office"}),
}

#: Declarations of places that people answer for: an office, and employees' phones.
PEOPLE = ("branch", "phones")

#: Declarations of employees' mailboxes, and of applications in a folder.
APPLICATIONS = ("mailboxes", "applications")


def create(folder: Path) -> None:
    """
    Make the sample world in *folder*: business.db, webshop.db, office/varberg.csv, a declaration of each system and of
    PEOPLE and APPLICATIONS, register.toml.

    Raises: FileExistsError if one of the databases is there already.
    """
    here = files(__name__)
    (folder / "office").mkdir(parents=True, exist_ok=True)
    for system in ("business", "webshop"):
        _create_database(folder / f"{system}.db", (here / f"{system}.sql").read_text(encoding="utf-8"))
    for name in (*(f"{system}.toml" for system in (*SYSTEMS, *PEOPLE, *APPLICATIONS)), "register.toml"):
        (folder / name).write_bytes((here / name).read_bytes())
    (folder / "office" / "varberg.csv").write_bytes((here / "varberg.csv").read_bytes())


def options(system: str, folder: Path) -> dict[str, str]:
    """The settings of a sample *system* whose files are in *folder*."""
    return {name: value.format(folder=folder) for name, value in SYSTEMS[system][1].items()}


def _create_database(path: Path, script: str) -> None:
    if path.exists():
        raise FileExistsError(path)
    database = sqlite3.connect(path)
    try:
        database.executescript(script)
        database.commit()
    finally:
        database.close()
