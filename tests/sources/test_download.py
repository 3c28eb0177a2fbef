"""A source arrives whole, or one clear error says why not and nothing is left behind."""

import gzip
import io
import os
import threading
import time
import tracemalloc
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
from conftest import free_port

from flows.masking import masked, without_passwords
from flows.sources.download import EXPORTS, SAMPLE, DownloadLimits, fetch
from footfall.errors import DataProblem, EnvironmentProblem, UsageProblem

DATA = Path(os.environ.get("FOOTFALL_DATA", Path(__file__).parents[2] / "../shared/data")).resolve()
ROWS = b"country_region_code,date\n" + b"PT,2022-10-01\n" * 5000
QUICK = DownloadLimits(seconds=10, size=10_000_000, unpacked=20_000_000, attempts=3, pause=0.01)


def zipped(content=ROWS, name="2022_PT_Region_Mobility_Report.csv"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


ZIP = zipped()


class Source(BaseHTTPRequestHandler):
    """One way of answering per path; `seen` counts the requests."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []

    def do_GET(self):
        self.seen.append(self.path)
        self.close_connection = True
        with suppress(OSError):
            getattr(self, self.path.split("/")[1])(self.path.rsplit("/", 1)[-1])

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content_Length": len(body)} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def whole(self, name):
        self.answer(body={"csv": ROWS, "gz": gzip.compress(ROWS)}.get(name.rpartition(".")[2], ZIP))

    def export(self, name):
        self.answer(body=next(body for key, body in EXPORT.items() if key.startswith(name)))

    def unframed(self, name):
        self.answer(body=ROWS if name.endswith("csv") else ZIP, Content_Length=None)

    def chunked(self, name):
        self.answer(body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(ZIP), ZIP), Content_Length=None, Transfer_Encoding="chunked")

    def encoded(self, name):
        self.answer(body=gzip.compress(ROWS), Content_Encoding="gzip")

    def unknown_encoding(self, name):
        self.answer(body=ZIP, Content_Encoding="br")

    def shy(self, name):
        self.answer(500) if len(self.seen) < 3 else self.whole(name)

    def status(self, name):
        self.answer(int(name))

    def slow(self, name):
        self.answer(Content_Length=len(ZIP))
        for byte in ZIP:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def slow_head(self, name):
        for byte in b"HTTP/1.1 200 OK\r\nX-Wait: " + b"." * 1000:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def loop(self, name):
        self.answer(302, Location=f"/loop/{len(self.seen)}.zip")

    def moved(self, name):
        self.answer(302, Location="/whole/figures.zip")

    def elsewhere(self, name):
        self.answer(302, Location="https://example.org/figures.zip?token=canary")

    def next_door(self, name):
        self.answer(302, Location="http://localhost:1/figures.zip")

    def another_port(self, name):
        self.answer(302, Location="http://127.0.0.1:1/figures.zip")

    def to_a_file(self, name):
        self.answer(302, Location="file:///etc/passwd")

    def to_the_clouds_metadata(self, name):
        self.answer(302, Location="http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token")

    def to_another_scheme(self, name):
        self.answer(302, Location="gopher://127.0.0.1:25/figures.zip")

    def to_no_address(self, name):
        self.answer(302, Location="javascript:1")

    def cut_length(self, name):
        self.answer(body=ZIP[:-40], Content_Length=len(ZIP))

    def cut_unframed(self, name):
        self.answer(body=ZIP[:-40], Content_Length=None)

    def cut_unframed_gzip(self, name):
        self.answer(body=gzip.compress(ROWS)[:-4], Content_Length=None)

    def cut_chunked(self, name):
        self.answer(body=b"%x\r\n%s" % (len(ZIP), ZIP[:-40]), Content_Length=None, Transfer_Encoding="chunked")

    def cut_encoded(self, name):
        body = gzip.compress(ROWS)[:-10]
        self.answer(body=body, Content_Length=len(body), Content_Encoding="gzip")

    def html(self, name):
        self.answer(body=b"\n<!DOCTYPE html><title>Sorry</title>", Content_Type="application/zip")

    def empty(self, name):
        self.answer()

    def endless(self, name):
        self.answer(Content_Length=None)
        while True:
            self.wfile.write(bytes(1 << 20))

    def bomb(self, name):
        self.answer(body=(gzip.compress if name.endswith("gz") else zipped)(bytes(30_000_000)))

    def encoded_bomb(self, name):
        self.answer(body=gzip.compress(bytes(30_000_000)), Content_Encoding="gzip")

    def secret(self, name):
        wanted = "Basic bW9iaWxpdHk6Y2FuYXJ5"  # mobility:canary
        self.whole(name) if self.headers["Authorization"] == wanted else self.answer(404)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def seen():
    Source.seen.clear()
    return Source.seen


def refused(error, source, folder, limits=QUICK):
    """The one message of a refusal; and nothing may be left in the folder."""
    with pytest.raises(error) as caught:
        fetch(source, folder, limits)
    assert os.listdir(folder) == []
    return str(caught.value)


# --- what arrives ---


@pytest.mark.parametrize("way", ["whole", "unframed", "chunked", "moved", "shy"])
def test_a_zip_arrives_whole(server, tmp_path, way):
    path = fetch(f"{server}/{way}/figures.zip", tmp_path, QUICK)
    assert path == tmp_path / "figures.zip" and path.read_bytes() == ZIP
    assert os.listdir(tmp_path) == ["figures.zip"]


def test_csv_and_gzip_arrive_too_and_get_the_suffix_a_reader_needs(server, tmp_path):
    assert fetch(f"{server}/whole/rows.csv", tmp_path, QUICK).read_bytes() == ROWS
    assert gzip.decompress(fetch(f"{server}/whole/rows.csv.gz", tmp_path, QUICK).read_bytes()) == ROWS
    assert fetch(f"{server}/whole/latest?v=2", tmp_path, QUICK) == tmp_path / "latest.zip"
    assert fetch(f"{server}/encoded/latest", tmp_path, QUICK).read_bytes() == ROWS


def test_a_new_download_replaces_the_old_one_and_a_failed_one_leaves_it(server, tmp_path):
    (tmp_path / "figures.zip").write_bytes(b"old")
    with pytest.raises(DataProblem):
        fetch(f"{server}/html/figures.zip", tmp_path, QUICK)
    assert (tmp_path / "figures.zip").read_bytes() == b"old"
    assert fetch(f"{server}/whole/figures.zip", tmp_path, QUICK).read_bytes() == ZIP


def test_googles_own_zip_arrives(server, tmp_path, monkeypatch):
    real = DATA / "Region_Mobility_Report_CSVs.zip"
    if not real.exists():
        pytest.skip(f"no {real.name} in FOOTFALL_DATA")
    monkeypatch.setattr(Source, "whole", lambda self, name: self.answer(body=real.read_bytes()))
    path = fetch(f"{server}/whole/Region_Mobility_Report_CSVs.zip", tmp_path, DownloadLimits())
    assert path.read_bytes() == real.read_bytes()


def test_the_sample_and_local_paths_are_used_where_they_are(tmp_path):
    assert fetch("sample", tmp_path) == SAMPLE and list(SAMPLE.glob("*_PT_*.csv"))
    (tmp_path / "figures.zip").write_bytes(ZIP)
    assert fetch(str(tmp_path / "figures.zip"), tmp_path) == tmp_path / "figures.zip"
    assert fetch(str(tmp_path), tmp_path) == tmp_path


def test_a_fetch_inside_a_running_loop_works(server, tmp_path):
    import asyncio

    async def flow():
        return fetch(f"{server}/whole/figures.zip", tmp_path, QUICK)

    assert asyncio.run(flow()).read_bytes() == ZIP


# --- what is refused ---


@pytest.mark.parametrize(
    "source",
    ["file:///etc/passwd", "ftp://example.org/a.zip", "http://example.org/a.zip", "file:/etc/passwd", "https:///a.zip"],
)
def test_only_https_is_fetched(tmp_path, source):
    assert "https" in refused(UsageProblem, source, tmp_path)


def test_a_missing_path_is_named(tmp_path):
    assert "nowhere.zip: no such file" in refused(UsageProblem, "nowhere.zip", tmp_path)


def test_a_refused_connection_is_tried_a_few_times_and_said(tmp_path):
    message = refused(EnvironmentProblem, f"http://127.0.0.1:{free_port()}/figures.zip", tmp_path)
    assert "/figures.zip: " in message and "tried 3 times" in message and message.endswith("give the path.")


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (204, 1), (500, 3), (429, 3)])
def test_only_what_may_pass_is_tried_again(server, seen, tmp_path, status, requests):
    assert f"answered {status}" in refused(EnvironmentProblem, f"{server}/status/{status}", tmp_path)
    assert len(seen) == requests


ADVICE = [
    (401, "~/.netrc"),
    (403, "~/.netrc"),
    (404, "Correct the address"),
    (410, "gone for good"),
    (418, "Try later"),
]


@pytest.mark.parametrize(("status", "advice"), ADVICE)
def test_nobody_is_told_to_wait_for_what_waiting_does_not_mend(server, tmp_path, status, advice):
    message = refused(EnvironmentProblem, f"{server}/status/{status}", tmp_path)
    assert advice in message and ("Try later" in message) == (advice == "Try later")


@pytest.mark.parametrize("way", ["slow", "slow_head"])
def test_a_trickle_ends_at_the_limit(server, tmp_path, way):
    begin = time.monotonic()
    message = refused(EnvironmentProblem, f"{server}/{way}/figures.zip", tmp_path, DownloadLimits(seconds=0.7))
    assert "not here after 0.7 s" in message and time.monotonic() - begin < 2


def test_a_redirect_loop_ends(server, seen, tmp_path):
    assert "redirected more than 5 times" in refused(EnvironmentProblem, f"{server}/loop/0.zip", tmp_path)
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("way", "where"),
    [
        ("elsewhere", "https://example.org"),
        ("next_door", "http://localhost:1"),
        ("another_port", "http://127.0.0.1:1"),
    ],
)
def test_a_redirect_to_another_host_is_not_followed(server, seen, tmp_path, way, where):
    message = refused(EnvironmentProblem, f"{server}/{way}/figures.zip", tmp_path)
    assert f"redirected to {where}/figures.zip; name that" in message and "canary" not in message
    assert len(seen) == 1


@pytest.mark.parametrize("way", ["to_a_file", "to_the_clouds_metadata", "to_another_scheme"])
def test_a_redirect_to_where_nothing_is_fetched_from_is_not_advised(server, seen, tmp_path, way):
    message = refused(EnvironmentProblem, f"{server}/{way}/figures.zip", tmp_path)
    assert "from where nothing is fetched" in message and "if you trust it" not in message
    assert len(seen) == 1 and not list(tmp_path.rglob("*.zip"))


def test_a_redirect_to_no_address_is_told(server, seen, tmp_path):
    assert "redirected to" in refused(EnvironmentProblem, f"{server}/to_no_address/figures.zip", tmp_path)


@pytest.mark.parametrize("way", ["cut_length", "cut_chunked", "cut_encoded"])
def test_a_cut_transfer_is_tried_again_and_refused(server, seen, tmp_path, way):
    refused(EnvironmentProblem, f"{server}/{way}/figures", tmp_path)
    assert len(seen) == 3


@pytest.mark.parametrize("source", ["cut_unframed/figures.zip", "cut_unframed_gzip/rows.csv.gz"])
def test_a_cut_archive_of_unknown_length_is_refused(server, tmp_path, source):
    assert "cut or damaged" in refused(DataProblem, f"{server}/{source}", tmp_path)


def test_a_csv_of_unknown_length_is_refused(server, tmp_path):
    assert "a cut would go unseen" in refused(DataProblem, f"{server}/unframed/rows.csv", tmp_path)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("html/figures.zip", "this is a web page, not a zip file"),
        ("html/figures", "this is a web page, not a zip, gzip or csv file"),
        ("empty/figures.csv", "this is an empty file, not a text file"),
        ("chunked/rows.csv", "this is a zip file, not a text file"),
        ("encoded/figures.zip", "this is a text file, not a zip file"),
    ],
)
def test_what_is_not_what_its_name_says_is_refused(server, tmp_path, source, said):
    assert said in refused(DataProblem, f"{server}/{source}", tmp_path)


def test_an_unknown_encoding_is_refused(server, tmp_path):
    assert "encoding br" in refused(EnvironmentProblem, f"{server}/unknown_encoding/figures.zip", tmp_path)


# --- what it may cost ---


def test_too_large_a_body_ends_at_the_limit(server, tmp_path):
    message = refused(EnvironmentProblem, f"{server}/endless/figures.zip", tmp_path)
    assert "larger than the limit of 10,000,000 bytes" in message


@pytest.mark.parametrize("name", ["figures.zip", "rows.csv.gz"])
def test_a_bomb_is_not_unpacked(server, tmp_path, name):
    assert "more than the limit of 20,000,000 bytes" in refused(DataProblem, f"{server}/bomb/{name}", tmp_path)


def test_a_zip_that_lists_millions_of_members_is_not_opened(server, tmp_path, monkeypatch):
    huge = bytes(20_000_000)
    end = b"PK\x05\x06" + bytes(4) + b"\xff\xff\xff\xff" + len(huge).to_bytes(4, "little") + bytes(6)
    monkeypatch.setattr(Source, "whole", lambda self, name: self.answer(body=b"PK\x03\x04" + huge + end))
    assert "lists more members" in refused(DataProblem, f"{server}/whole/a.zip", tmp_path, DownloadLimits(pause=0.01))


def test_a_bomb_in_the_encoding_is_not_unpacked(server, tmp_path):
    assert "10,000,000" in refused(EnvironmentProblem, f"{server}/encoded_bomb/rows.csv", tmp_path)


def test_memory_stays_small(server, tmp_path, monkeypatch):
    monkeypatch.setattr(Source, "whole", lambda self, name: stream(self, 120_000_000))
    tracemalloc.start()
    fetch(f"{server}/whole/rows.csv", tmp_path, DownloadLimits())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def stream(answering, size):
    answering.answer(Content_Length=size)
    for _ in range(size // 1_000_000):
        answering.wfile.write(b"PT,2022-10-01,1,2,3\n" * 50_000)


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(EnvironmentProblem, match="taken"):
        fetch(f"{server}/whole/figures.zip", tmp_path / "taken", QUICK)


# --- what it may tell ---


def test_a_password_opens_the_source_and_is_shown_nowhere(server, tmp_path, caplog):
    caplog.set_level("INFO")
    source = server.replace("//", "//mobility:canary@")
    assert fetch(f"{source}/secret/figures.zip", tmp_path / "a", QUICK).read_bytes() == ZIP
    (tmp_path / "b").mkdir()
    for path in ["status/404", "html/figures.zip", "cut_unframed/a.zip", "elsewhere/a.zip", "slow/a.zip"]:
        message = refused(
            (DataProblem, EnvironmentProblem), f"{source}/{path}", tmp_path / "b", DownloadLimits(seconds=0.5)
        )
        assert "canary" not in message
    assert "canary" not in caplog.text


def test_a_password_may_stand_in_netrc(server, tmp_path, monkeypatch):
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mobility password canary\n")
    assert fetch(f"{server}/secret/figures.zip", tmp_path / "a", QUICK).read_bytes() == ZIP
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login mobility canary\n")
    with pytest.raises(UsageProblem, match=r"netrc:2: not a line of a netrc file\. Correct it: 127\.0\.0\.1 may"):
        fetch(f"{server}/secret/figures.zip", tmp_path / "b", QUICK)
    monkeypatch.setenv("NETRC", str(tmp_path))
    with pytest.raises(UsageProblem, match=r"Is a directory\. Let us read it: 127\.0\.0\.1 may need a password"):
        fetch(f"{server}/secret/figures.zip", tmp_path / "b", QUICK)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").unlink()
    with pytest.raises(EnvironmentProblem, match="404"):  # what that server says to a stranger
        fetch(f"{server}/secret/figures.zip", tmp_path / "b", QUICK)


def test_what_is_shown_of_a_source_has_no_secret():
    assert masked("https://user:pa/ss?w@example.org/a.zip?key=1#x") == "https://***@example.org/a.zip"
    assert masked("https://example.org/a.zip") == "https://example.org/a.zip"
    assert masked("figures/a?.zip") == "figures/a?.zip"
    assert masked("gs://figures/a@b.csv") == "gs://figures/a@b.csv"
    said = "http://user:p@ss@proxy:3128 gave up; see http://proxy/help@all"
    assert without_passwords(said) == "http://proxy:3128 gave up; see http://proxy/help@all"
    with pytest.raises(UsageProblem, match=r"^https://\*\*\*@example\.org/a\.zip: not an address"):
        fetch("https://user:canary/x@example.org/a.zip", ".")


# --- buckets, and folders beside the markets' files


def test_an_object_or_a_folder_of_a_bucket_is_a_source(bucket, tmp_path):
    from flows.storage.bucket import create

    create(bucket, "tills/a.csv", b"date,n\n2025-01-01,1\n")
    create(bucket, "tills/b.csv", b"date,n\n2025-01-02,1\n")
    create(bucket, "tills/deeper/c.csv", b"")
    create(bucket, "tills.csv", b"")
    path = fetch(f"gs://{bucket.name}/tills/a.csv", tmp_path / "one")
    assert path.name == "a.csv" and path.read_bytes() == b"date,n\n2025-01-01,1\n"
    for source in ("tills", "tills/"):
        folder = fetch(f"gs://{bucket.name}/{source}", tmp_path / source)
        assert sorted(file.name for file in folder.iterdir()) == ["a.csv", "b.csv"]
    with pytest.raises(UsageProblem, match="no such object or folder"):
        fetch(f"gs://{bucket.name}/none", tmp_path)
    with pytest.raises(EnvironmentProblem, match="larger than the limit of 30 bytes"):
        fetch(f"gs://{bucket.name}/tills", tmp_path, DownloadLimits(size=30))


def test_of_two_alike_names_in_a_bucket_neither_is_lost(bucket, tmp_path):
    from flows.storage.bucket import create

    for name in ("till?.csv", "till_.csv", ".till_.csv", "till%3F.csv"):
        create(bucket, f"tills/{name}", name.encode())
    folder = fetch(f"gs://{bucket.name}/tills", tmp_path)
    assert sorted(file.read_text() for file in folder.iterdir()) == [
        ".till_.csv", "till%3F.csv", "till?.csv", "till_.csv",
    ]  # fmt: skip
    assert {file.name for file in folder.iterdir()} >= {"till%3F.csv", "%2Etill_.csv"}


def test_a_relative_path_is_looked_for_beside_the_markets_files_first(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTFALL_PARAMS", str(tmp_path / "params"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params").mkdir()
    (tmp_path / "a.csv").write_text("here")
    assert fetch("a.csv", tmp_path / "in").read_text() == "here"
    (tmp_path / "params" / "a.csv").write_text("beside")
    assert fetch("a.csv", tmp_path / "in").read_text() == "beside"


def parquet():
    file = io.BytesIO()
    pd.DataFrame({"n": [1]}).to_parquet(file)
    return file.getvalue()


EXPORT = {
    "table.parquet": parquet(),
    "audit.xml": b'<?xml version="1.0"?><AuditFile/>',
    "utf16.csv": "date;n\n".encode("utf-16"),
    "plain.csv": b"date;n\n",
}


@pytest.mark.parametrize("name", EXPORT)
@pytest.mark.parametrize("is_named", [True, False])
def test_an_export_may_be_more_than_a_report(server, tmp_path, name, is_named):
    bare, _, suffix = name.partition(".")
    path = fetch(f"{server}/export/{name if is_named else bare}", tmp_path, QUICK, EXPORTS)
    assert path.name == f"{bare}.{suffix}"
    assert path.read_bytes() == EXPORT[name]


def test_a_report_may_be_no_export(server, tmp_path):
    assert "this is a Parquet file, not a zip, gzip or csv file" in refused(
        DataProblem, f"{server}/export/table.parquet", tmp_path
    )


def test_an_export_that_is_a_web_page_is_called_one(server, tmp_path):
    with pytest.raises(DataProblem, match="this is a web page, not a CSV, Excel, Parquet or SAF-T file"):
        fetch(f"{server}/html/a", tmp_path, QUICK, EXPORTS)
