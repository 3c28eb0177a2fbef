"""A receiver of alerts on this machine: keeps what it is sent, and can be asked to wait for it."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """An HTTP server; `url` with a secret in it, `told` what came: subject and sentence of each message."""

    def __init__(self):
        self.told: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Hook,), {"receiver": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/canary-5d1f?token=canary-77c0"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self, market: str) -> list[str]:
        """The causes that were told of a market."""
        return [subject.partition(": ")[2] for subject, _ in self.told if subject.startswith(f"Footfall {market}:")]

    def wait(self, market: str, number: int) -> list[str]:
        """The causes told of a market once there are so many, and a moment later."""
        while len(self.about(market)) < number:
            time.sleep(0.05)
        time.sleep(0.5)
        return self.about(market)


class _Hook(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "canary-77c0" in self.path:
            self.receiver.told.append((body["title"], body["message"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
