"""python -m dsar"""

import atexit
import gc
import os

from dsar.cli import main as command_line


def main() -> None:
    """The program: whatever it writes is for its own user alone, whatever the umask that it was started with."""
    os.umask(0o077)
    atexit.register(gc.freeze)  # the system frees all; a last look for garbage takes a fifth of a short command
    command_line()


if __name__ == "__main__":
    main()
