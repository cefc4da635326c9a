"""
A folder -> a company in it: sample systems, settings, keys, an empty database, a place for the letters sent.

Effects: makes the folder anew; an earlier demo in it is removed, anything else is left alone.
"""

import base64
import secrets
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from connectors import samples
from dsar import settings
from dsar.errors import UsageError
from dsar.store import SqlKeyStore, Store, migrate
from dsar.vault import Vault

#: Lies in every folder that a demo made, and in no other.
_MARKER = ".dsar-demo"


@dataclass(frozen=True, kw_only=True)
class World:
    """Where things are."""

    folder: Path

    @property
    def settings_file(self) -> Path:
        return self.folder / "settings.ini"

    @property
    def systems(self) -> Path:
        """The sample systems: databases, the office register, and what they hold (TOML)."""
        return self.folder / "systems"

    @property
    def letters(self) -> Path:
        """Every letter sent, as its reader gets it."""
        return self.folder / "letters"

    @property
    def new_mail(self) -> Path:
        """A mail that nobody has sent yet."""
        return self.folder / "new-mail.eml"


def make(folder: Path) -> World:
    """
    Make the company, all but its settings.

    Raises: UsageError if something else than an earlier demo is in *folder*.
    """
    if folder.exists() and not (folder / _MARKER).exists():
        raise UsageError(f"{folder} exists and is no earlier demo; name another place with --folder.")
    if folder.exists():
        shutil.rmtree(folder)
    world = World(folder=folder)
    world.letters.mkdir(parents=True)
    (folder / _MARKER).write_text("'dsar demo' made this folder and may remove it.\n", "utf-8")
    samples.create(world.systems)
    world.new_mail.write_text(files("dsar.demo").joinpath("new-mail.eml").read_text("utf-8"), "utf-8")
    return world


def install(world: World, *, imap_port: int, smtp_port: int, user: str, password: str) -> None:
    """Write settings and master key, and make the database and the key store, as `dsar init` does."""
    template = files("dsar.demo").joinpath("settings.ini").read_text("utf-8")
    filled = template.format(imap_port=imap_port, smtp_port=smtp_port, user=user, password=password)
    world.settings_file.write_text(filled, "utf-8")
    master_key = world.folder / "master.key"
    master_key.touch(mode=0o600)
    master_key.write_text(base64.b64encode(secrets.token_bytes(32)).decode(), "ascii")
    chosen = settings.load(world.settings_file, {})
    keys = SqlKeyStore(chosen.database.keys_url.get_secret_value())
    Vault(chosen.vault.master_key.get_secret_value(), keys)
    keys.close()
    store = Store(chosen.database.url.get_secret_value())
    migrate.upgrade(store.engine)
    store.close()
