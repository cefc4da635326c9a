"""
INI file, environment, credentials -> sections as plain text.

Effects: reads the settings file and files that hold secrets, runs commands that print secrets. Faults name places,
never values.
"""

import configparser
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dsar.errors import SettingsError

_COMMAND_SECONDS = 10
#: ${NAME} or ${NAME:-what stands there without NAME}, as shells write it; $${ is a plain ${.
_VARIABLE = re.compile(r"\$(?P<plain>\$(?=\{))|\$\{(?P<name>[A-Z_][A-Z0-9_]*)(?::-(?P<otherwise>[^{}]*))?\}")


#: What to do about a file that cannot be read.
_REMEDIES = {
    FileNotFoundError: "; 'dsar init' writes one, --settings names another",
    PermissionError: "; staff call dsar as its service user: 'sudo -u dsar dsar ...'",
}


def read_ini(file: Path, environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """
    {section: {key: value}}, keys in lower case, variables filled in from *environ*, empty values left out.

    A percent sign is a percent sign; "#" and ";" begin a comment only at the beginning of a line.
    Raises: SettingsError.
    """
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text("utf-8-sig"))
    except OSError as error:
        remedy = next((words for kind, words in _REMEDIES.items() if isinstance(error, kind)), "")
        raise SettingsError([f"{file}: cannot be read ({error.strerror}){remedy}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{file}: is not UTF-8"]) from None
    except configparser.Error as error:
        raise SettingsError(_parse_faults(file, error)) from None
    missing: list[str] = []
    sections = {
        section: {key: _filled(value, environ, f"{file}: [{section}] {key}", missing) for key, value in items}
        for section, items in ((section, parser.items(section)) for section in parser.sections())
    }
    if missing:
        raise SettingsError(missing)
    return {
        section: {key: value for key, value in items.items() if value.strip()} for section, items in sections.items()
    }


def _filled(value: str, environ: Mapping[str, str], place: str, missing: list[str]) -> str:
    def fill(match: re.Match[str]) -> str:
        if match["plain"]:
            return "$"
        found = environ.get(match["name"]) or match["otherwise"]
        if found is None:
            missing.append(f"{place}: the environment has no {match['name']}")
        return found or ""

    return _VARIABLE.sub(fill, value)


def _parse_faults(file: Path, error: configparser.Error) -> list[str]:
    match error:
        case configparser.DuplicateSectionError():
            return [f"{file}:{error.lineno}: [{error.section}] stands twice"]
        case configparser.DuplicateOptionError():
            return [f"{file}:{error.lineno}: [{error.section}] {error.option}: stands twice"]
        case configparser.MissingSectionHeaderError():
            return [f"{file}:{error.lineno}: stands before the first [section]"]
        case configparser.ParsingError():
            return [f"{file}:{line}: is neither [section] nor 'key = value'" for line, _ in error.errors]
        case _:
            return [f"{file}: is no INI file"]


@dataclass(frozen=True, kw_only=True)
class SecretSources:
    """Where a secret may come from: the first place that has it counts."""

    environ: Mapping[str, str]
    folder: Path  #: Of the settings file.
    report: Callable[[str, str, str], None]  #: Takes section, key and what is wrong.
    files: set[Path] = field(default_factory=set)  #: Files named by KEY_file, gathered by find().

    def find(self, section: str, key: str, values: dict[str, str]) -> None:
        """Put the secret under *key* of *values*, and take `KEY_file` and `KEY_cmd` out."""
        file, command = values.pop(f"{key}_file", None), values.pop(f"{key}_cmd", None)
        if file:
            self.files.add(self.folder / file)
        found = (
            self.environ.get(environment_name(section, key))
            or self._credential(f"{section}.{key}")
            or (file and self._read(section, f"{key}_file", self.folder / file))
            or (command and self._run(section, f"{key}_cmd", command))
        )
        if found:
            values[key] = found

    def _credential(self, name: str) -> str | None:
        """systemd LoadCredential=; see systemd.exec(5), CREDENTIALS_DIRECTORY."""
        directory = self.environ.get("CREDENTIALS_DIRECTORY")
        path = Path(directory, name) if directory else None
        return path.read_text("utf-8").rstrip("\r\n") if path and path.is_file() else None

    def _read(self, section: str, key: str, path: Path) -> str | None:
        try:
            return path.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            self.report(section, key, f"cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.report(section, key, "names a file that is not UTF-8")
        return None

    def _run(self, section: str, key: str, command: str) -> str | None:
        try:
            argv = shlex.split(command)
        except ValueError:
            argv = []
        if not argv:
            self.report(section, key, "is no command")
            return None
        try:
            done = subprocess.run(  # noqa: S603  # an argument list from the administrator's own file, no shell
                argv,
                env=dict(self.environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_SECONDS,
                check=True,
            )
            return done.stdout.decode("utf-8").rstrip("\r\n")
        except subprocess.CalledProcessError as error:
            self.report(section, key, f"failed with exit code {error.returncode}")
        except subprocess.TimeoutExpired:
            self.report(section, key, f"took longer than {_COMMAND_SECONDS} seconds")
        except OSError as error:
            self.report(section, key, f"cannot be started ({error.strerror})")
        except UnicodeDecodeError:
            self.report(section, key, "printed what is not UTF-8")
        return None


def environment_name(section: str, key: str) -> str:
    """Name of the environment variable for a secret: [mailbox.privacy] password -> DSAR_MAILBOX_PRIVACY_PASSWORD."""
    return re.sub(r"[^A-Z0-9]", "_", f"DSAR_{section}_{key}".upper())
