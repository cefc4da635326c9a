"""
A double of SMS gateways: a real HTTP server on this machine that checks requests by the vendor's documented form.

It is no part of 46elks; what it demands is what https://46elks.se/docs says: POST, HTTP Basic log-in, a form with
`from`, `to` in E.164 and `message`; it answers with the JSON object that is documented. The generic gateway follows
docs/operations.md.
"""

import base64
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

USER, PASSWORD, TOKEN = "u1234", "hemligt:lösenord", "tok-123"
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"[A-Za-z][A-Za-z0-9]{0,10}|\+[1-9]\d{6,14}")


class SmsDouble:
    """Takes messages at `elks_url` and `json_url` and keeps them; `behave` names what it does instead of answering."""

    def __init__(self) -> None:
        self.taken: list[dict[str, str]] = []
        self.refused: list[str] = []
        #: well, busy (503), slow_down (429), poor (402), no (403), broken (cuts the line), silent (takes it and says
        #: nothing), garbage (200 without JSON), failed (status in a 200), redirect
        self.behave = "well"
        self._woken = threading.Event()  #: Ends a silence.
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                double.answer(self, body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        base = f"http://127.0.0.1:{self._server.server_port}"
        self.elks_url, self.json_url = f"{base}/a1/sms", f"{base}/messages"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._woken.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        status = {"busy": 503, "slow_down": 429, "poor": 402, "no": 403, "redirect": 302}.get(self.behave)
        if self.behave == "silent":
            self._take(handler, body)
            self._woken.wait()
            return
        if self.behave == "broken":
            self._take(handler, body)
            time.sleep(0.05)
            handler.connection.close()
            return
        if status is not None:
            handler.send_response(status)
            handler.send_header("Location", "http://127.0.0.1:9/")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        fault = self._take(handler, body)
        told = {"id": "s17a6dafb12d6b1cabc053d57dac2b9d8", "status": "failed" if self.behave == "failed" else "created"}
        content = b"<html>" if self.behave == "garbage" else (fault or json.dumps(told)).encode()
        handler.send_response(401 if fault.startswith("wrong") else 400 if fault else 200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _take(self, handler: BaseHTTPRequestHandler, body: str) -> str:
        """What is wrong with a request; "" if it is taken."""
        fault, message = (_elks if handler.path == "/a1/sms" else _generic)(handler, body)
        if fault:
            self.refused.append(fault)
        else:
            self.taken.append(message)
        return fault


def _elks(handler: BaseHTTPRequestHandler, body: str) -> tuple[str, dict[str, str]]:
    log_in = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if handler.headers["Authorization"] != log_in:
        return "wrong log-in", {}
    if handler.headers["Content-Type"] != "application/x-www-form-urlencoded":
        return "no form", {}
    form = {key: values[0] for key, values in parse_qs(body, strict_parsing=True).items()}
    return _fault(form, {"from", "to", "message"}), form


def _generic(handler: BaseHTTPRequestHandler, body: str) -> tuple[str, dict[str, str]]:
    if handler.headers["Authorization"] != f"Bearer {TOKEN}":
        return "wrong token", {}
    if handler.headers["Content-Type"] != "application/json":
        return "no JSON", {}
    told = json.loads(body)
    if handler.headers["Idempotency-Key"] != told.get("reference"):
        return "no reference", {}
    return _fault(told, {"from", "to", "message", "reference"}), told


def _fault(told: dict[str, str], keys: set[str]) -> str:
    if set(told) != keys:
        return f"keys {sorted(told)}"
    if not _E164.fullmatch(told["to"]):
        return "to is not E.164"
    if not _SENDER.fullmatch(told["from"]):
        return "from is no sender"
    return "" if told["message"] else "no message"
