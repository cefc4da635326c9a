"""The IMAP server of the demo."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.parts import PASSWORD, await_greeting, free_port, missing


@contextmanager
def pymap_server() -> Iterator[int]:
    """The IMAP server of the demo on a plain loopback port; user "demouser", password "test". Yields the port."""
    port = free_port()
    program = Path(sys.executable).with_name("pymap")
    if not program.exists():
        missing("pymap")
    options = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
        "--no-service",
        "admin",
        "--no-service",
        "managesieve",
    ]
    process = subprocess.Popen(
        [str(program), *options, "dict", "--demo-data", "--demo-password", PASSWORD],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_greeting(port, b"* OK")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=15)
