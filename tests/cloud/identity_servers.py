"""A metadata server as Google's machines have one, and a gate before MLflow as Cloud Run's IAM is one.

    python tests/cloud/identity_servers.py SECONDS BACKEND

prints the metadata server's host, the gate's address, and then each request to either as a line of JSON; tokens
last SECONDS.
"""

import base64
import json
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "footfall-machine@till.iam.gserviceaccount.com"
HOP = {"authorization", "content-length", "connection", "accept-encoding"}


def tell(**line):
    sys.stdout.write(json.dumps(line) + "\n")  # print writes the end of a line apart, and other threads come between
    sys.stdout.flush()


class Tokens:
    """Identity tokens, each made out to an audience and good for so many seconds; what was not issued here is none."""

    def __init__(self, seconds):
        self.seconds, self.issued = seconds, {}

    def issue(self, audience):
        claims = {"aud": audience, "exp": int(time.time()) + self.seconds, "n": len(self.issued)}
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
                         for part in (b'{"alg":"RS256"}', json.dumps(claims).encode(), b"signature"))  # fmt: skip
        self.issued[token] = claims
        return token

    def admit(self, header, audience):
        claims = self.issued.get((header or "").removeprefix("Bearer "))
        return bool(claims) and claims["aud"] == audience and claims["exp"] > time.time()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def metadata(tokens):
    class Metadata(Handler):
        def do_GET(self):
            address = urlsplit(self.path)
            body, kind = b"", "application/text"
            if address.path.endswith("/identity"):
                audience = parse_qs(address.query)["audience"][0]
                body = tokens.issue(audience).encode()
                tell(issued=len(tokens.issued), audience=audience)
            elif "service-accounts/" in address.path:
                kind = "application/json"
                body = json.dumps({"email": ACCOUNT, "aliases": ["default"], "scopes": []}).encode()
            asked = self.headers.get("Metadata-Flavor") == "Google"
            self.answer(200 if asked else 403, body, Metadata_Flavor="Google", Content_Type=kind)

    return Metadata


def gate(tokens, backend):
    class Gate(Handler):
        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            if not tokens.admit(self.headers.get("Authorization"), f"http://{self.headers['Host']}"):
                tell(refused=self.path)
                return self.answer(403, b"Your client does not have permission to get URL from this server.")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            request = urllib.request.Request(backend + self.path, body, headers, method=self.command)
            try:
                reply = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                reply = error
            except urllib.error.URLError as error:
                tell(away=self.path, reason=str(error.reason))
                return self.answer(503, b"The service is unavailable.")
            tell(passed=self.path, status=reply.status)
            return self.answer(reply.status, reply.read(), Content_Type=reply.headers.get("Content-Type", ""))

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    return Gate


def serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever).start()
    return f"127.0.0.1:{server.server_port}"


if __name__ == "__main__":
    tokens = Tokens(int(sys.argv[1]))
    tell(metadata=serve(metadata(tokens)), gate="http://" + serve(gate(tokens, sys.argv[2])))
