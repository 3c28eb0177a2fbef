"""What readers of the bucket may rely on, with a real emulator, and a misbehaving proxy before it."""

import datetime as dt
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import typical
from proxy import Proxy

from flows.storage import bucket as storage
from flows.storage import forecasts
from footfall.digest import sha256
from footfall.errors import Conflict, DataProblem, EnvironmentProblem, UsageProblem

DAY = dt.date(2022, 10, 1)
FILES = {"forecast.parquet": b"PAR1", "forecast.csv": "location,value\nPT,−3\n".encode(), "index.html": b"<p>calm</p>"}
FLIP = r"POST /upload.*/latest\.json"
ABOUT = {"run": "first", "model_version": "7", "snapshot": "ab12"}


@pytest.fixture
def proxy(bucket, emulator, monkeypatch):
    with Proxy(emulator.url) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        proxy.bucket = storage.connect(bucket.name)
        yield proxy


@pytest.fixture
def folder(bucket, emulator):
    return emulator.root / bucket.name


def everything(bucket):
    return {blob.name: blob.generation for blob in bucket.list_blobs()}


def shown(bucket):
    return forecasts.latest(bucket, "portugal").pointer["digest"]


def publish(bucket, day=DAY, files=FILES, **about):
    done = forecasts.publish(bucket, "portugal", day, files, ABOUT | about)
    forecasts.put_up(bucket, done, files)
    return done


def another(text):
    return FILES | {"forecast.csv": text.encode(), "index.html": text.encode()}


# --- layout ---


def test_a_set_lies_where_the_plan_says(bucket):
    done = publish(bucket)
    folder = f"portugal/forecasts/2022-10-01/{done.digest}"
    shown = [f"portugal/{name}" for name in ("forecast.csv", "index.html", "latest.json")]
    assert sorted(everything(bucket)) == sorted([f"{folder}/{name}" for name in [*FILES, "manifest.json"]] + shown)
    assert done.new and done.moved and done.url == f"gs://{bucket.name}/{folder}" and done.url in done.message


def test_the_manifest_lists_every_file_and_names_the_run(bucket):
    publish(bucket)
    there = forecasts.latest(bucket, "portugal")
    assert there.files == FILES
    assert there.manifest["about"] == ABOUT
    entry = there.manifest["files"]["forecast.parquet"]
    assert entry == {"size": 4, "sha256": sha256(b"PAR1"), "crc32c": bucket.get_blob(there_name(there)).crc32c}


def there_name(there):
    return there.pointer["manifest"].replace("manifest.json", "forecast.parquet")


def test_what_may_change_is_not_cached_and_pages_open_in_a_browser(bucket):
    publish(bucket)
    page, pointer = bucket.get_blob("portugal/index.html"), bucket.get_blob("portugal/latest.json")
    assert page.cache_control == pointer.cache_control == "no-cache"
    assert page.content_type == "text/html; charset=utf-8"


def test_a_market_never_published_has_no_latest(bucket):
    assert forecasts.latest(bucket, "portugal") is None


def test_the_page_is_put_up_last(proxy):
    publish(proxy.bucket)
    puts = [re.search(r'"name": ?"(portugal/[a-z.]+)"', request) for request in proxy.requests if "POST" in request]
    shown = [put[1] for put in puts if put]
    assert shown[-2:] == ["portugal/forecast.csv", "portugal/index.html"], "what it links to is there before it"


def test_an_object_is_taken_away_only_as_it_was_seen(proxy):
    storage.remove(proxy.bucket, "portugal/x.html", 7)
    assert "DELETE" in proxy.requests[-1] and "ifGenerationMatch=7" in proxy.requests[-1]


def test_the_digest_tells_names_and_bytes_apart():
    assert forecasts.digest_of({"a": b"1", "b": b"2"}) == forecasts.digest_of({"b": b"2", "a": b"1"})
    assert len({forecasts.digest_of(f) for f in ({"a": b"1"}, {"b": b"1"}, {"a": b"2"}, {"a": b"1", "b": b""})}) == 4


# --- once and only once ---


def test_a_second_run_writes_nothing_and_the_first_manifest_stays(bucket):
    publish(bucket)
    before = everything(bucket)
    again = publish(bucket, run="second")
    assert (again.new, again.moved) == (False, False) and "nothing new" in again.message
    assert everything(bucket) == before
    assert forecasts.latest(bucket, "portugal").manifest["about"]["run"] == "first"


def test_what_a_killed_run_left_half_done_is_finished(bucket):
    storage.create(bucket, f"portugal/forecasts/{DAY}/{forecasts.digest_of(FILES)}/forecast.csv", FILES["forecast.csv"])
    assert publish(bucket).moved
    bucket.blob("portugal/index.html").delete()
    assert not publish(bucket).moved
    assert storage.read(bucket, "portugal/index.html") == FILES["index.html"]


def test_an_object_is_created_once(bucket):
    for _ in range(2):
        storage.create(bucket, "ledger/000001.json", b"{}")
    with pytest.raises(Conflict, match=r"ledger/000001\.json.*someone else"):
        storage.create(bucket, "ledger/000001.json", b"[]")
    assert storage.read(bucket, "ledger/000001.json") == b"{}"
    assert storage.names(bucket, "ledger/") == ["ledger/000001.json"]


def test_a_snapshot_is_kept_under_its_digest_and_its_first_account_stays(bucket):
    for day in ("Monday", "Tuesday"):
        forecasts.keep_snapshot(bucket, b"figures", {"retrieved_at": day})
    assert json.loads(storage.read(bucket, f"snapshots/{sha256(b'figures')}.json")) == {"retrieved_at": "Monday"}


# --- never backwards ---


def test_an_older_day_is_stored_but_not_shown(bucket):
    newest = publish(bucket)
    late = publish(bucket, dt.date(2022, 9, 30), another("late"))
    assert late.new and not late.moved and "remains 2022-10-01" in late.message
    assert shown(bucket) == newest.digest
    assert storage.read(bucket, "portugal/index.html") == FILES["index.html"]


def test_a_newer_day_and_a_better_forecast_of_the_same_day_are_shown(bucket):
    publish(bucket)
    better = publish(bucket, DAY, another("better"))
    assert better.moved and shown(bucket) == better.digest
    newer = publish(bucket, dt.date(2022, 10, 2), another("newer"))
    assert newer.moved and storage.read(bucket, "portugal/index.html") == b"newer"


def test_what_people_read_is_put_up_in_the_bucket_of_pages_too(bucket, emulator, monkeypatch):
    monkeypatch.setenv("FOOTFALL_PAGES", f"{bucket.name}-pages")
    (emulator.root / f"{bucket.name}-pages").mkdir()
    publish(bucket)
    publish(bucket, dt.date(2022, 9, 30), another("late"))
    pages = storage.connect(f"{bucket.name}-pages")
    assert storage.names(pages, "") == ["portugal/forecast.csv", "portugal/index.html"], (
        "and no snapshot, no ledger, no set"
    )
    assert storage.read(pages, "portugal/index.html") == storage.read(bucket, "portugal/index.html")


def test_the_pages_of_a_site_that_left_are_taken_down_and_its_record_stays(bucket, emulator, monkeypatch):
    monkeypatch.setenv("FOOTFALL_PAGES", f"{bucket.name}-pages")
    (emulator.root / f"{bucket.name}-pages").mkdir()
    site = {f"sites/foz/{name}": b"foz" for name in ("index.html", "forecast.csv", "semana.ics")}
    both = FILES | site | {"sites/baixa/index.html": b"baixa"}
    first = publish(bucket, DAY, both)
    for foreign in ("portugal/sites/foz/photo.jpg", "portugal/sites/notes.txt", "portugal2/sites/foz/index.html"):
        storage.create(bucket, foreign, b"not ours")
    before = set(everything(bucket))
    one = FILES | {"sites/baixa/index.html": b"baixa"}
    publish(bucket, dt.date(2022, 9, 30), one)
    assert {f"portugal/{name}" for name in site} <= set(everything(bucket)), "an older day takes nothing down"
    second = publish(bucket, dt.date(2022, 10, 2), one)
    assert before - set(everything(bucket)) == {f"portugal/{name}" for name in site}
    pages = storage.names(storage.connect(f"{bucket.name}-pages"), "")
    assert pages == ["portugal/forecast.csv", "portugal/index.html", "portugal/sites/baixa/index.html"]
    assert forecasts.stored(bucket, first.folder, "sites/foz/index.html").files == {"sites/foz/index.html": b"foz"}
    assert second.moved and publish(bucket, dt.date(2022, 10, 3), both).moved
    assert storage.read(bucket, "portugal/sites/foz/index.html") == b"foz", "back again"


def test_a_source_that_has_stopped_is_said_on_the_page_of_each_place(bucket):
    pages = {name: b"<body class=x>calm" for name in ("index.html", "sites/foz/index.html")}
    publish(bucket, DAY, FILES | pages)
    forecasts.annotate(bucket, "portugal", "<p>no news</p>")
    for page in pages:
        assert storage.read(bucket, f"portugal/{page}") == b"<body class=x><p>no news</p>calm"
    assert storage.read(bucket, "portugal/forecast.csv") == FILES["forecast.csv"]


def test_four_at_once_publish_one_set_and_move_the_pointer_once(bucket):
    for day in range(1, 6):
        with ThreadPoolExecutor(4) as pool:
            own = [storage.connect(bucket.name) for _ in range(4)]
            done = list(pool.map(lambda b, i, d=day: publish(b, dt.date(2022, 10, d), run=i), own, range(4)))
        assert [sum(d.moved for d in done), sum(d.new for d in done)] == [1, 1]
        assert forecasts.latest(bucket, "portugal").pointer["as_of"] == f"2022-10-0{day}"


def test_the_newest_of_four_days_published_at_once_is_shown_with_its_own_page(bucket):
    for round_ in range(5):
        days = [dt.date(2022, 10, 1 + 4 * round_ + i) for i in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda d: publish(storage.connect(bucket.name), d, another(str(d))), days))
        assert forecasts.latest(bucket, "portugal").pointer["as_of"] == str(days[-1])
        assert storage.read(bucket, "portugal/index.html").decode() == str(days[-1])


def test_a_newer_day_that_comes_between_stays(bucket, proxy):
    proxy.add(lambda: publish(bucket, dt.date(2022, 10, 2), another("newer")), FLIP)
    late = publish(proxy.bucket)
    assert late.new and not late.moved and "remains 2022-10-02" in late.message
    assert shown(bucket) == forecasts.digest_of(another("newer"))
    assert storage.read(bucket, "portugal/index.html") == b"newer"


def test_another_forecast_of_the_day_that_comes_between_stays_and_is_a_conflict(bucket, proxy):
    proxy.add(lambda: publish(bucket, DAY, another("theirs")), FLIP)
    with pytest.raises(Conflict, match=r"portugal/latest\.json: someone else moved it .* theirs stays"):
        publish(proxy.bucket)
    assert shown(bucket) == forecasts.digest_of(another("theirs"))


def test_an_older_day_that_comes_between_is_replaced(bucket, proxy):
    proxy.add(lambda: publish(bucket, dt.date(2022, 9, 30), another("older")), FLIP)
    assert publish(proxy.bucket).moved
    assert shown(bucket) == forecasts.digest_of(FILES)
    assert storage.read(bucket, "portugal/index.html") == FILES["index.html"]


# --- what is live, and what grows ---


def test_the_sets_of_a_day_come_oldest_first(bucket):
    first = publish(bucket, dt.date(2022, 9, 30), another("second"))
    second = publish(bucket, dt.date(2022, 9, 30))
    assert first.digest > second.digest, "else the order of their names would do"
    publish(bucket)
    storage.create(bucket, "portugal/forecasts/2022-10-02/abcd/forecast.csv", b"not complete yet")
    found = forecasts.sets(bucket, "portugal")
    folder = "portugal/forecasts/2022-09-30"
    assert found["2022-09-30"] == [f"{folder}/{first.digest}", f"{folder}/{second.digest}"]
    assert list(found) == ["2022-09-30", "2022-10-01"]
    assert forecasts.sets(bucket, "spain") == {}


def test_a_set_that_came_after_one_of_a_later_day_is_that_of_its_day_only_where_there_is_no_other(bucket):
    days = [dt.date(2022, 9, day) for day in (28, 30)]
    first = publish(bucket, days[0])
    publish(bucket, days[1])
    publish(bucket, days[0], another("on revised figures"))
    gap = [publish(bucket, dt.date(2022, 9, 29), another(text)) for text in ("filled", "and filled again")]
    assert forecasts.sets(bucket, "portugal")["2022-09-28"] == [f"portugal/forecasts/2022-09-28/{first.digest}"]
    assert forecasts.sets(bucket, "portugal")["2022-09-29"] == [f"portugal/forecasts/2022-09-29/{gap[0].digest}"]


def test_a_set_whose_manifest_was_damaged_and_made_anew_is_as_old_as_its_files(bucket):
    replaced, in_force = publish(bucket), publish(bucket, DAY, another("on revised figures"))
    publish(bucket, dt.date(2022, 10, 2), another("newer"))
    before = forecasts.sets(bucket, "portugal")
    storage.remove(bucket, f"{in_force.folder}/manifest.json")
    assert publish(bucket, DAY, another("on revised figures")).new
    assert forecasts.sets(bucket, "portugal") == before
    assert before[str(DAY)] == [replaced.folder, in_force.folder]


def test_a_set_that_readers_see_is_one_of_its_day_though_a_later_day_was_stored_before_it(bucket):
    days = [dt.date(2022, 9, day) for day in (28, 30)]
    publish(bucket, days[0])
    forecasts.publish(bucket, "portugal", days[1], another("not shown"), ABOUT, False)
    seen = publish(bucket, days[0], another("on revised figures"))
    assert forecasts.sets(bucket, "portugal")["2022-09-28"][1:] == [f"portugal/forecasts/2022-09-28/{seen.digest}"]


def test_one_file_of_a_set_is_read_and_verified(bucket, folder):
    where = f"portugal/forecasts/2022-10-01/{publish(bucket).digest}"
    _, manifest, files = forecasts.stored(bucket, where, "forecast.csv")
    assert files == {"forecast.csv": FILES["forecast.csv"]} and manifest["about"] == ABOUT
    bucket.blob(f"{where}/forecast.csv").upload_from_string(b"forged")
    with pytest.raises(DataProblem, match=r"forecast\.csv: altered"):
        forecasts.stored(bucket, where, "forecast.csv")


def test_no_amendment_is_lost(bucket, proxy):
    name = "portugal/scores.parquet"
    assert storage.amend(bucket, name, lambda there: b"a" + (there or b""))
    proxy.add(lambda: storage.amend(bucket, name, lambda there: there + b"b"), "POST /upload.*scores")
    assert storage.amend(proxy.bucket, name, lambda there: there + b"c")
    assert storage.read(bucket, name) == b"abc"
    with ThreadPoolExecutor(4) as pool:
        own = [storage.connect(bucket.name) for _ in range(8)]
        list(pool.map(lambda b, i: storage.amend(b, name, lambda there: there + b"%d" % i), own, range(8)))
    assert sorted(storage.read(bucket, name)) == sorted(b"abc01234567")


def test_what_changes_nothing_writes_nothing(bucket):
    assert not storage.amend(bucket, "portugal/track.json", lambda there: there)
    assert everything(bucket) == {}
    storage.amend(bucket, "portugal/track.json", lambda there: b"{}")
    before = everything(bucket)
    assert not storage.amend(bucket, "portugal/track.json", lambda there: b"{}")
    assert everything(bucket) == before


# --- a publisher that is killed ---

PUBLISHER = f"""
import datetime as dt, sys
from flows.storage import bucket, forecasts
place = bucket.connect(sys.argv[1])
files = {{name: content + b"new" for name, content in {FILES!r}.items()}}
done = forecasts.publish(place, "portugal", dt.date(2022, 10, 2), files, {ABOUT!r})
forecasts.put_up(place, done, files)
"""
STEPS = [f"{request} {when}" for request in (*FILES, "manifest.json", "latest.json", "portugal/index.html")
         for when in ("before", "after")]  # fmt: skip


@pytest.mark.kernel
@pytest.mark.parametrize("step", typical([*STEPS, *map(str, range(50))], "latest.json before", "latest.json after"))
def test_a_publisher_killed_at_any_request_leaves_the_old_or_the_new_set(step, bucket, proxy):
    old, seen, over = publish(bucket).digest, set(), threading.Event()

    def read():
        while not over.wait(0.01):
            seen.add(shown(bucket))  # which verifies the whole set

    def dies():
        publisher.kill()
        if step.endswith("before"):
            raise ConnectionAbortedError

    if " " in step:
        proxy.add(dies, f"POST /upload.*{re.escape(step.split()[0])}")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        publisher = subprocess.Popen([sys.executable, "-c", PUBLISHER, bucket.name])
        if " " not in step:
            time.sleep(random.Random(step).uniform(0.5, 1.5))
            publisher.kill()
        publisher.wait()
        time.sleep(0.05)
        over.set()
        reading.result()
    again = publish(bucket, dt.date(2022, 10, 2), {name: content + b"new" for name, content in FILES.items()})
    assert seen <= {old, again.digest} and shown(bucket) == again.digest
    if " " in step:
        pointed = STEPS.index(step) >= STEPS.index("latest.json after")
        assert again.moved != pointed and publisher.returncode == -signal.SIGKILL


# --- replies that do not come ---


def test_a_lost_reply_is_our_own_success(bucket, proxy):
    for day in range(1, 21):
        proxy.add("lose", FLIP)
        done = publish(proxy.bucket, dt.date(2022, 10, day), {"forecast.csv": b"x"})
        assert done.new and done.moved


def test_every_reply_to_a_write_may_be_lost(bucket, proxy):
    for name in [*FILES, "manifest.json", "latest.json", "portugal/index.html"]:
        proxy.add("lose", f"POST /upload.*{name}")
    done = publish(proxy.bucket)
    assert (done.new, done.moved) == (True, True)
    assert forecasts.latest(bucket, "portugal").files == FILES


@pytest.mark.parametrize("fault", [408, 429, 500, 503, "reset", "lose", "cut", "stall"])
def test_a_passing_fault_of_any_request_is_retried(bucket, proxy, monkeypatch, fault):
    monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", "1.5" if fault == "stall" else "10")
    for request in ["POST /upload.*manifest.json", FLIP, "GET .*latest.json"]:
        proxy.add(fault, request)
    done = publish(proxy.bucket)
    assert (done.new, done.moved) == (True, True)
    proxy.add(fault, "GET .*forecast.parquet")
    assert forecasts.latest(proxy.bucket, "portugal").files == FILES


def test_a_storage_that_stays_away_is_said_in_time(bucket, proxy, monkeypatch):
    monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", "1")
    proxy.add(503, times=50)
    with pytest.raises(EnvironmentProblem, match=rf"gs://{bucket.name}/portugal/.*503.*up to 1 s"):
        publish(proxy.bucket)


def test_a_page_that_cannot_be_put_up_is_said_with_what_is_published_all_the_same(bucket, proxy):
    before = publish(bucket, dt.date(2022, 9, 30), another("before"))
    proxy.add(403, "POST /upload.*portugal/(forecast.csv|index.html)", times=50)
    with pytest.raises(EnvironmentProblem, match=r"(?s)not allowed.*is published; .*yet to follow. Run the day again"):
        publish(proxy.bucket)
    assert shown(bucket) == forecasts.digest_of(FILES) != before.digest
    assert storage.read(bucket, "portugal/index.html") == b"before"
    assert not publish(bucket).moved and storage.read(bucket, "portugal/index.html") == FILES["index.html"]


# --- no permission, no bucket ---


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_write_names_the_permission_and_is_not_repeated(bucket, proxy, status):
    proxy.add(status, times=50)
    with pytest.raises(EnvironmentProblem, match=rf"{bucket.name}.*not allowed.*storage\.objects\.create"):
        storage.create(proxy.bucket, "ledger/000001.json", b"{}")
    assert len(proxy.requests) <= 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_read_names_the_permission_and_is_not_repeated(bucket, proxy, status):
    proxy.add(status, times=50)
    with pytest.raises(EnvironmentProblem, match=r"not allowed.*storage\.objects\.get"):
        forecasts.latest(proxy.bucket, "portugal")
    assert len(proxy.requests) <= 3


@pytest.mark.parametrize("ask", [publish, lambda b: forecasts.latest(b, "portugal"), lambda b: storage.names(b, "x/")])
def test_a_bucket_that_is_not_there_is_named(proxy, ask):
    nowhere = storage.connect("no-such-bucket")
    with pytest.raises(EnvironmentProblem, match="no bucket is called no-such-bucket"):
        ask(nowhere)
    assert len(proxy.requests) <= 3


def test_a_missing_object_is_named(bucket):
    with pytest.raises(storage.Missing, match=rf"gs://{bucket.name}/snapshots/ab\.parquet: not there"):
        storage.read(bucket, "snapshots/ab.parquet")


# --- bytes that changed ---


def test_a_flipped_byte_in_any_object_is_refused_and_named(bucket, folder):
    done = publish(bucket)
    for name in [*FILES, "manifest.json"]:
        assert_refused(bucket, folder, f"portugal/forecasts/2022-10-01/{done.digest}/{name}")
    assert_refused(bucket, folder, "portugal/latest.json")
    assert forecasts.latest(bucket, "portugal").files == FILES


def assert_refused(bucket, folder, name):
    path = folder / name
    whole = path.read_bytes()
    write_in_place(path, bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(DataProblem, match=re.escape(f"gs://{bucket.name}/{name}")):
        forecasts.latest(bucket, "portugal")
    write_in_place(path, whole)


def write_in_place(path, content):
    with path.open("r+b") as file:  # keeps the extended attributes, where the emulator has its checksums
        file.write(content)


def test_a_replaced_object_with_a_right_checksum_is_refused_too(bucket):
    name = publish(bucket).url.removeprefix(f"gs://{bucket.name}/") + "/forecast.csv"
    bucket.blob(name).upload_from_string(b"forged")
    with pytest.raises(DataProblem, match=rf"{name}: altered since it was published"):
        forecasts.latest(bucket, "portugal")


def test_a_replaced_manifest_is_not_the_one_that_the_pointer_means(bucket):
    publish(bucket)
    name = forecasts.latest(bucket, "portugal").pointer["manifest"]
    manifest = json.loads(storage.read(bucket, name))
    bucket.blob(name).upload_from_string(json.dumps(manifest | {"about": ABOUT | {"run": "forged"}}))
    with pytest.raises(DataProblem, match=r"manifest\.json: altered since it was published"):
        forecasts.latest(bucket, "portugal")


def test_the_sets_of_a_market_are_listed_by_their_manifests_alone(proxy):
    publish(proxy.bucket)
    proxy.requests.clear()
    assert len(forecasts.sets(proxy.bucket, "portugal")) == 1
    (request,) = proxy.requests  # a page has a thousand names: of days, and not of a dozen files a day
    assert "matchGlob=portugal/forecasts/*/*/manifest.json" in request


def test_a_replaced_snapshot_is_not_taken_for_the_one_of_its_name(bucket):
    forecasts.keep_snapshot(bucket, b"figures", {})
    name = f"snapshots/{sha256(b'figures')}.parquet"
    assert forecasts.read_snapshot(bucket, sha256(b"figures")) == b"figures"
    bucket.blob(name).upload_from_string(b"forged")
    with pytest.raises(DataProblem, match=rf"{name}: altered.*bucket's versions"):
        forecasts.read_snapshot(bucket, sha256(b"figures"))


def test_a_set_is_not_published_over_an_altered_object(bucket, folder):
    newest = publish(bucket)
    write_in_place(folder / "portugal/forecasts/2022-10-01" / newest.digest / "forecast.csv", b"?")
    with pytest.raises(DataProblem, match=r"forecast\.csv: its bytes do not match"):
        publish(bucket)


def test_a_pointer_that_is_no_pointer_is_refused_and_not_replaced(bucket):
    bucket.blob("portugal/latest.json").upload_from_string(b"<html>")
    with pytest.raises(DataProblem, match=r"portugal/latest\.json: not a pointer"):
        publish(bucket)
    assert storage.read(bucket, "portugal/latest.json") == b"<html>"


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b'{"files": {}}', b"\xff"])
def test_a_manifest_that_is_none_is_named_with_what_to_do(bucket, content):
    publish(bucket)
    ((folder,),) = forecasts.sets(bucket, "portugal").values()
    storage.write(
        bucket, f"{folder}/manifest.json", content, storage.state(bucket, f"{folder}/manifest.json").generation
    )
    for read in (
        forecasts.read_about,
        lambda *where: forecasts.stored(*where, "forecast.csv"),
        lambda *_: publish(bucket),
    ):
        with pytest.raises(DataProblem, match=rf"{folder}/manifest\.json: not a manifest .*Remove it and run the day"):
            read(bucket, folder)


@pytest.mark.parametrize("seconds", ["abc", "0", "-1", "inf", "nan", "1 minute"])
def test_a_deadline_that_is_none_is_named_with_what_to_write(bucket, monkeypatch, seconds):
    monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", seconds)
    with pytest.raises(EnvironmentProblem, match=rf"^FOOTFALL_BUCKET_DEADLINE is '{seconds}': write seconds, as in 60"):
        storage.read(bucket, "a")
    monkeypatch.setenv("FOOTFALL_BUCKET_DEADLINE", "")
    with pytest.raises(storage.Missing):
        storage.read(bucket, "a")


def test_a_manifest_of_other_files_is_a_conflict(bucket):
    name = f"portugal/forecasts/{DAY}/{forecasts.digest_of(FILES)}/manifest.json"
    bucket.blob(name).upload_from_string(b'{"files": {}, "about": {}}')
    with pytest.raises(Conflict, match=r"manifest\.json: lists other files"):
        publish(bucket)
    assert forecasts.latest(bucket, "portugal") is None


# --- where it may write ---


def test_an_emulator_elsewhere_or_in_production_is_refused(monkeypatch):
    for elsewhere in ["http://storage.example.org", "127.0.0.1:9023", "http://127.0.0.1.example.org:80"]:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", elsewhere)
        with pytest.raises(EnvironmentProblem, match="STORAGE_EMULATOR_HOST must be on this machine"):
            storage.connect("footfall-prod")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9023")
    monkeypatch.setenv("FOOTFALL_ENV", "production")
    with pytest.raises(EnvironmentProblem, match="Unset STORAGE_EMULATOR_HOST"):
        storage.connect("footfall-prod")


def test_missing_credentials_and_impossible_names_are_said(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(EnvironmentProblem, match="gs://footfall-prod: no credentials"):
        storage.connect("footfall-prod")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9023")
    with pytest.raises(UsageProblem, match="gs://-no-"):
        storage.connect("-no-")
