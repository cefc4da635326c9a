"""
(folder of a product, record) -> files in which the product keeps something of the record after its own erasure, cleaned
or counted.

Effects: removes files below the given folder, or overwrites bytes in them where they stand; follows no link. Globs come
from the declaration; a value of a record is one whole part of a path, or is looked for as text (P10).
"""

import glob
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from connectors.residue import SHORTEST
from dsar.declaration import DeclaredObject, FileResidue
from dsar.errors import SettingsError, SystemRefusedError, SystemUnavailableError

_CHUNK_BYTES = 1 << 20
#: As programs of this country write their files.
_ENCODINGS = ("utf-8", "cp1252")


def folder_of(name: str, options: Mapping[str, str]) -> Path | None:
    """The folder of option `residue_folder`, None without it. Raises: SettingsError if there is no such folder."""
    if "residue_folder" not in options:
        return None
    folder = Path(options["residue_folder"]).absolute()
    if not folder.is_dir():
        raise SettingsError([f"system {name}: residue_folder is no folder"])
    return folder


def remove(system: str, folder: Path, declared: DeclaredObject, values: Mapping[str, str]) -> None:
    """
    Clean all that *declared* names as residue in files of the record with *values*; harmless when repeated.

    Args: values: {column: as it was approved to be removed}. Raises: SystemUnavailableError; SystemRefusedError.
    """
    for residue in declared.residue_files:
        for path in _left(system, folder, residue, values):
            try:
                _clean(path, residue, values)
            except FileNotFoundError:
                continue  # the product removed it meanwhile
            except PermissionError:
                raise SystemRefusedError(system, "a file of its residue cannot be written") from None
            except OSError as error:
                raise SystemUnavailableError(system, type(error).__name__) from None


def count(system: str, folder: Path, declared: DeclaredObject, values: Mapping[str, str]) -> int:
    """
    How many files still hold something; one that its product builds anew from what is there is not counted.

    Raises: SystemUnavailableError; SystemRefusedError.
    """
    told = [residue for residue in declared.residue_files if residue.action != "rebuild"]
    return sum(len(list(_left(system, folder, residue, values))) for residue in told)


def _clean(path: Path, residue: FileResidue, values: Mapping[str, str]) -> None:
    pattern = _pattern(residue, values)
    if residue.action != "blank" or pattern is None:
        path.unlink()
        return
    # In place and byte for byte: the product may hold the file open and go on writing to its end.
    with path.open("r+b") as file:
        for start, length in sorted(set(_matches(file, pattern))):
            file.seek(start)
            file.write(b"x" * length)
        file.flush()
        os.fsync(file.fileno())


def _left(system: str, folder: Path, residue: FileResidue, values: Mapping[str, str]) -> Iterator[Path]:
    where = _glob(residue.files, values)
    pattern = _pattern(residue, values)
    if where is None or (residue.holding and pattern is None):
        return
    inside = folder.resolve()
    try:
        for path in sorted(folder.glob(where)):
            if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(inside):
                continue
            if pattern is None or _holds(path, pattern):
                yield path
    except PermissionError:
        raise SystemRefusedError(system, "a file of its residue cannot be read") from None
    except OSError as error:
        raise SystemUnavailableError(system, type(error).__name__) from None


def _glob(files: str, values: Mapping[str, str]) -> str | None:
    """*files* with each {column} as one part of a path; None if a value is none."""
    filled = files
    for column in re.findall(r"\{([^{}]+)\}", files):
        value = values.get(column, "")
        if value in {"", ".", ".."} or re.search(r"[/\\\x00-\x1f]", value):
            return None
        filled = filled.replace(f"{{{column}}}", glob.escape(value))
    return filled


def _pattern(residue: FileResidue, values: Mapping[str, str]) -> re.Pattern[bytes] | None:
    """What finds the values of a record in bytes, and not inside a longer address; None if there is nothing to find."""
    told = {values.get(column, "").strip() for column in residue.holding}
    cases = {form for text in told if len(text) >= SHORTEST for form in (text, text.lower(), text.upper())}
    packed = {each for form in cases for encoding in _ENCODINGS if (each := _encoded(form, encoding))}
    if not packed:
        return None
    longest_first = sorted(packed, key=lambda each: (-len(each), each))
    return re.compile(rb"(?<![\w.+-])(?:" + b"|".join(map(re.escape, longest_first)) + rb")(?![\w-])", re.IGNORECASE)


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def _holds(path: Path, pattern: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            return any(True for _ in _matches(file, pattern))
    except FileNotFoundError:
        return False


def _matches(file: BinaryIO, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """(place, length) of all that *pattern* finds in *file*, however large it is; some may come twice."""
    longest = len(pattern.pattern)  # a match is never longer than the alternatives together
    begun, before = 0, b""
    while chunk := file.read(_CHUNK_BYTES):
        read = before + chunk
        yield from ((begun + match.start(), len(match[0])) for match in pattern.finditer(read))
        before = read[-longest:]
        begun += len(read) - len(before)
