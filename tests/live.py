"""Two cities that go on, what their sources have published by a morning, and a server that gives it, with faults."""

import csv
import datetime as dt
import hashlib
import io
import json
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from flows.sources.weather import HOST_SETTING, KEY

FIRST = dt.date(2024, 8, 1)  # of both cities' figures
ZURICH = ZoneInfo("Europe/Zurich")
LINES = [str(number) for number in range(1001, 1041)]
PLACES = ["Bahnhofstrasse (Mitte)", "Bahnhofstrasse (Nord)", "Bahnhofstrasse (Süd)"]
HEADER = ["timestamp", "location_id", "location_name", "ltr_label", "rtl_label", "weather_condition", "temperature",
          "pedestrians_count", "unverified", "adult_pedestrians_count", "zone_1_pedestrians_count"]  # fmt: skip
BY_WEEKDAY = np.array([1.0, 1.02, 1.03, 1.05, 1.1, 0.7, 0.5])


def _noise(day, size):
    return np.random.default_rng(day.toordinal()).normal(1, 0.04, size)


def days(last):
    return [day.date() for day in pd.date_range(FIRST, last)]


def rides(day):
    """How many rode each line on a day; on Sundays the last quarter of the lines does not run."""
    runs = np.arange(len(LINES)) < (30 if day.weekday() == 6 else 40)
    numbers = np.rint(12_000 * BY_WEEKDAY[day.weekday()] * _noise(day, 1) * _noise(day, len(LINES))).astype(int)
    return {line: int(number) for line, number, on in zip(LINES, numbers, runs, strict=True) if on}


def hours(day):
    """The full hours of a day in Zürich, in UTC: 23, 24 or 25 of them."""
    ends = [dt.datetime.combine(day + dt.timedelta(days=more), dt.time(), ZURICH).astimezone(dt.UTC) for more in (0, 1)]
    return [ends[0] + dt.timedelta(hours=n) for n in range(int((ends[1] - ends[0]).total_seconds()) // 3600)]


def walkers(day):
    """Passers-by of a day, an hour and a place a row: (UTC, place, number)."""
    shape = np.clip(np.sin((np.arange(25) - 5) / 19 * np.pi), 0.02, None)
    moments, level = hours(day), 3000 * BY_WEEKDAY[day.weekday()] * _noise(day, 1)[0]
    return [(moment, place, round(level * shape[moment.astimezone(ZURICH).hour] * share))
            for moment in moments for place, share in zip(PLACES, (1, 0.8, 0.6), strict=True)]  # fmt: skip


def carris(today, share=0.3):
    """What the interface answers in the course of a day: all days before it, and so much of it as is over."""
    table = {day: rides(day) for day in days(today)}
    table[today] = {line: int(share * number) for line, number in table[today].items()}
    return [{"properties": {"line_id": line}, "metric": "demand_by_line_by_day", "generated_at": f"{today}T06:00:00Z",
             "description": f"line {line}", "data": {str(day): _entry(day, table[day][line]) for day in table
                                                     if line in table[day]}} for line in LINES]  # fmt: skip


def _entry(day, number):
    kind = {5: "2", 6: "3"}.get(day.weekday(), "1")
    return {"day_type": kind, "holiday": "0", "notes": None, "period": "1", "qty": number}


def hystreet(today, until=8):
    """The rows of the file in the course of a day: all hours before it, and the first ones of it."""
    rows = [row for day in days(today - dt.timedelta(days=1)) for row in walkers(day)]
    return rows + [row for row in walkers(today) if row[0].astimezone(ZURICH).hour < until]


def as_json(documents):
    return json.dumps(documents).encode()


def as_csv(rows, header=HEADER):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for moment, place, number in rows:
        writer.writerow([moment.strftime("%Y-%m-%dT%H:%M:%SZ"), PLACES.index(place) + 1, place, "Hauptbahnhof",
                         "Bürkliplatz", "cloudy", 9.5, number, "False", number, number])  # fmt: skip
    return file.getvalue().encode()


class Server:
    """Gives `body` at every path, unless it is to answer otherwise: `answers`, one after the other, a status or "cut".

    It knows whether what it has is new; `answered` has the status of every answer, `sent` the bytes of all.
    """

    def __init__(self):
        self.body, self.answers, self.answered, self.asked, self.sent = b"", [], [], [], 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"source": self}))
        self._server.daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self._server.server_port}/{path}"


@contextmanager
def weather_service(monkeypatch, key):
    """A server in the place of the weather service, and the key that it is asked with."""
    with Server() as server:
        monkeypatch.setenv(HOST_SETTING, server.url("").rstrip("/"))
        monkeypatch.setenv(KEY, key)
        yield server


class _Handler(BaseHTTPRequestHandler):
    protocol_version, source = "HTTP/1.1", None

    def do_GET(self):
        self.close_connection = True
        tag = f'"{hashlib.sha256(self.source.body).hexdigest()}"'
        answer = self.source.answers.pop(0) if self.source.answers else 200
        if answer == 200 and self.headers["If-None-Match"] == tag:
            answer = 304
        self.source.answered.append(answer)
        self.source.asked.append(self.path)
        body = {200: self.source.body, "cut": self.source.body[: len(self.source.body) // 2]}.get(answer, b"")
        self.send_response(200 if answer == "cut" else answer)
        self.send_header("Content-Length", len(self.source.body) if answer == "cut" else len(body))
        self.send_header("ETag", tag)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)
        self.source.sent += len(body)

    def log_message(self, *_):
        pass
