"""
A picture of a page -> the text on it, as far as the program tesseract can read it.

Effects: runs tesseract where it is installed, without a shell, with the picture as its input; it inherits the limits of
the process that calls it, and only the guarded child does. What it reads may be wrong in any letter.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import cache

#: Where distributions put programs; the guarded child has no PATH of its own.
_PLACES = "/usr/local/bin:/usr/bin:/bin"
#: Of these the installed ones are read, all at once.
_LANGUAGES = ("swe", "eng")
#: For all pictures of one mail together; a photographed page takes two or three.
_SECONDS = 60.0
_LONGEST_OUTPUT = 100_000


def picture_reader() -> Callable[[bytes], str] | None:
    """What reads the pictures of one mail, "" once its time is up; None if tesseract is not installed."""
    command = _command()
    if command is None:
        return None
    ends = time.monotonic() + _SECONDS

    def read(picture: bytes) -> str:
        left = ends - time.monotonic()
        return _run(command, picture, left) if left > 0 else ""

    return read


def languages() -> str:
    """Which languages are read, e.g. "swe+eng"; "" if tesseract is not installed."""
    command = _command()
    return command[-1] if command else ""


@cache
def _command() -> tuple[str, ...] | None:
    program = shutil.which("tesseract", path=_PLACES)
    if program is None:
        return None
    listed = _run((program, "--list-langs"), b"", 10).split()
    known = [language for language in _LANGUAGES if language in listed]
    return (program, "stdin", "stdout", "-l", "+".join(known)) if known else None


def _run(command: tuple[str, ...], picture: bytes, seconds: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and nothing of the mail among the arguments
            command,
            input=picture,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it quotes what it reads (P9)
            env={"PATH": _PLACES, "LC_ALL": "C.UTF-8", "OMP_THREAD_LIMIT": "1", "HOME": os.devnull},
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout[:_LONGEST_OUTPUT].decode("utf-8", "replace") if done.returncode == 0 else ""
