"""A small HTTP proxy that stands before a real server and misbehaves on request.

    with Proxy("http://127.0.0.1:9023") as proxy:
        proxy.add(503, "POST /upload.*latest.json")     the next such request is answered 503, the one after it is not
        proxy.add("lose", "POST /upload", times=20)      forwarded and done by the server, but no reply comes back

A fault is a status, or ``reset`` (nothing forwarded), ``lose`` (forwarded, then reset), ``cut`` (half of the reply's
body), ``clip`` (64 kB of the request reach the server, then both ends are closed), ``stall`` (silence until the client
leaves, at most 30 s), or a function called before the request goes through. One with a
`limit` answers 413 to what has more bytes, as Cloud Run does.
"""

import contextlib
import http.client
import math
import re
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
Fault = int | str | Callable[[], object]


class Proxy:
    """Forwards to `upstream`; keeps `requests`, each one line: method, path and query, beginning of the body."""

    def __init__(self, upstream: str, limit: float = math.inf):
        self.upstream, self.limit = urlsplit(upstream), limit
        self.requests: list[str] = []
        self._faults: list[tuple[Fault, str]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Forward,), {"proxy": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, fault: Fault, pattern: str = "", times: int = 1) -> None:
        """Let the next `times` requests that match the regular expression fail in this way."""
        with self._lock:
            self._faults += [(fault, pattern)] * times

    def clear(self) -> None:
        """Let nothing fail any more."""
        with self._lock:
            self._faults.clear()

    def take(self, request: str) -> Fault | None:
        """Note the request, and give the fault that is due for it."""
        with self._lock:
            self.requests.append(request)
            due = next((one for one in self._faults if re.search(one[1], request)), None)
            if due:
                self._faults.remove(due)
        return due[0] if due else None


class _Forward(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        head = body[:600].decode("latin-1").split()
        fault = self.proxy.take(" ".join([self.command, unquote(self.path), *head]))
        if fault == "reset":
            self._reset()
        elif fault == "stall":
            self._stall()
        elif fault == "clip":
            self._clip(body)
        elif isinstance(fault, int):
            self._reply(fault, [("Content-Type", "text/plain")], b"injected")
        elif len(body) > self.proxy.limit:
            self._reply(413, [("Content-Type", "text/plain")], b"Request Entity Too Large")
        else:
            if callable(fault):
                fault()
            self._forward(body, fault)

    def _forward(self, body: bytes, fault: object) -> None:
        reply = http.client.HTTPConnection(self.proxy.upstream.netloc, timeout=60)
        reply.request(self.command, self.path, body, {k: v for k, v in self.headers.items() if k.lower() != "host"})
        answer = reply.getresponse()
        status, headers, content = answer.status, answer.getheaders(), answer.read()
        reply.close()
        if fault == "lose":
            self._reset()
        else:
            self._reply(status, headers, content, cut=fault == "cut")

    def _reply(self, status: int, headers: list[tuple[str, str]], content: bytes, cut: bool = False) -> None:
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}", f"Content-Length: {len(content)}"]
        lines += [f"{k}: {v}" for k, v in headers if k.lower() not in HOP_BY_HOP]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (content[: len(content) // 2] if cut else content))
        self.close_connection = cut

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        del self.headers["Transfer-Encoding"]
        return b"".join(chunks)

    def _clip(self, body: bytes) -> None:
        with socket.create_connection((self.proxy.upstream.hostname, self.proxy.upstream.port)) as server:
            headers = [f"{k}: {v}" for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP]
            head = [f"{self.command} {self.path} HTTP/1.1", *headers, f"Content-Length: {len(body)}", "", ""]
            server.sendall("\r\n".join(head).encode("latin-1") + body[: 64 << 10])
        self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _stall(self) -> None:
        self.connection.settimeout(30)
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.recv(1)
