"""Every bad input there is for the figures, as files: the bundled sample with one thing wrong in it.

`CASES` maps what is wrong to a `Case`; ``case.write(folder)`` makes the file and returns its path, ``case.refused``
tells whether the reader must refuse it, and ``case.says`` is what the problem, or else a note, must match.
"""

import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE = Path(__file__).parents[1] / "resources" / "sample"
REPORT = "2022_PT_Region_Mobility_Report.csv"
RETAIL = "retail_and_recreation_percent_change_from_baseline"
LINE = 100  # where the fault is put; 2021-09-26 in the sample
Bytes = bytes | list[list[str]]
Content = Bytes | Callable[[], Bytes]  # what takes long to make is made where it is written, not by every import


@dataclass(frozen=True)
class Case:
    write: Callable[[Path], Path]
    refused: bool
    says: str = ""


def sample() -> list[list[str]]:
    """The sample's header and 481 days, split into fields; `sample()[i]` is line i + 1."""
    texts = [file.read_text(encoding="utf-8").splitlines() for file in sorted(SAMPLE.glob("*.csv"))]
    return [line.split(",") for line in [*texts[0], *(line for text in texts[1:] for line in text[1:])]]


def to_bytes(rows: Sequence[Sequence[str]], end: str = "\n", comma: str = ",") -> bytes:
    return "".join(comma.join(row) + end for row in rows).encode()


def changed(column: str, value: str, line: int = LINE) -> list[list[str]]:
    rows = sample()
    rows[line - 1][rows[0].index(column)] = value
    return rows


def without(rows: list[list[str]], *columns: str) -> list[list[str]]:
    kept = [i for i, name in enumerate(rows[0]) if name not in columns]
    return [[row[i] for i in kept] for row in rows]


def file(content: Content, name: str = "report.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        made = content() if callable(content) else content
        (folder / name).write_bytes(made if isinstance(made, bytes) else to_bytes(made))
        return folder / name

    return write


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # of no hour: the same bytes always
    return buffer.getvalue()


def bomb() -> bytes:
    """A zip whose directory announces 3 GB for the wanted member."""
    content = bytearray(zipped({REPORT: to_bytes(sample())}))
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 24, 3_000_000_000)
    return bytes(content)


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def long_field(folder: Path) -> Path:
    """A place name of 100 MB, in the middle of a sound file."""
    head, _, tail = to_bytes(changed("sub_region_1", "@@@")).partition(b"@@@")
    with (folder / "report.csv").open("wb") as stream:
        stream.write(head)
        for _ in range(100):
            stream.write(b"x" * 1_000_000)
        stream.write(tail)
    return folder / "report.csv"


def insert(rows: list[list[str]], line: int, row: list[str]) -> list[list[str]]:
    return [*rows[: line - 1], row, *rows[line - 1 :]]


def metro(rows: list[list[str]]) -> list[list[str]]:
    """A row of the metropolitan area of Lisbon, on the day and right beneath the row of `LINE`, other values."""
    row = [*rows[LINE - 1][:9], *["-50"] * 6]
    row[4] = "Lisbon"
    return insert(rows, LINE + 1, row)


def refused(content: Content, says: str, name: str = "report.csv") -> Case:
    return Case(file(content, name), refused=True, says=says)


def accepted(content: Content, says: str = "", name: str = "report.csv") -> Case:
    return Case(file(content, name), refused=False, says=says)


GOOD = to_bytes(sample())
AT = rf"^report\.csv:{LINE}:"
HTML = b"<!DOCTYPE html>\n<html><body>Sorry, not found</body></html>\n"

CASES: dict[str, Case] = {
    "empty file": refused(b"", r"^report\.csv:1:1: \(blank\) — an empty file"),
    "header only": refused(sample()[:1], r"^report\.csv:2:country_region_code: \(blank\) — no row beneath the header"),
    "HTML with status 200": refused(HTML, r"^report\.csv:1:1: <!DOCTYPE html>\\n.* — an HTML page"),
    "HTML where a zip is expected": refused(HTML, r"^reports\.zip:1:1: .* — an HTML page, where the", "reports.zip"),
    "cut mid-row": refused(GOOD[: GOOD.rindex(b",,,")], r"^report\.csv:482:metro_area: .* — the file ends within"),
    "cut mid-number": refused(GOOD[:-2], r"^report\.csv:482:residential_\w+: .* — the file ends within this line"),
    "cut gzip": refused(gzip.compress(GOOD)[:-3000], r"^report\.csv\.gz:1:1: .* — damaged or cut", "report.csv.gz"),
    "gzip with a wrong checksum": refused(
        flipped(gzip.compress(GOOD), -6), r"^report\.csv\.gz:1:1: .* — damaged or cut \(CRC", "report.csv.gz"
    ),
    "cut zip": refused(zipped({REPORT: GOOD})[:-3000], r"^reports\.zip:1:1: .* — a damaged zip", "reports.zip"),
    "zip with a flipped byte": refused(
        flipped(zipped({REPORT: GOOD}), 4000), rf"^reports\.zip/{REPORT}:1:1: .* — damaged or cut", "reports.zip"
    ),
    "bomb": refused(bomb(), r"^reports\.zip:1:1: 3,000,000,000 bytes — more than 2,000,000,000", "reports.zip"),
    "bomb of one line": refused(
        lambda: gzip.compress(b"0" * 50_000_000), r"^report\.csv\.gz:1:1: 0{60}… — a line of more than", "report.csv.gz"
    ),
    "a zip where a CSV is expected": refused(
        zipped({REPORT: GOOD}), r"^report\.csv:1:1: report\.csv — a zip archive, where the name says a CSV file"
    ),
    "a CSV where a zip is expected": refused(
        GOOD, r"^reports\.zip:1:1: country_region_code.*… — a CSV file, where the name says a zip", "reports.zip"
    ),
    "a zip without the country": refused(
        zipped({REPORT.replace("PT", "HR"): GOOD}),
        r"^reports\.zip:1:1: PT — no file of this country.* HR",
        "reports.zip",
    ),
    "a CSV without the country": refused(
        [sample()[0], *(["HR", "Croatia", *row[2:]] for row in sample()[1:])],
        r"^report\.csv:2:country_region_code: PT — no row of this country; there are rows of HR",
    ),
    "UTF-16": refused(GOOD.decode().encode("utf-16"), r"^report\.csv:1:1: report\.csv — UTF-16 text, where"),
    "an Excel file": refused(
        zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
        r"^report\.xlsx:1:1: report\.xlsx — an Office file, such as Excel's; a CSV file in UTF-8 is expected here",
        "report.xlsx",
    ),
    "a Git LFS pointer": refused(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        r"^report\.csv:1:1: version.* — a Git LFS pointer, where the name says a CSV file; git lfs pull gets",
    ),
    "more columns than a pattern can repeat": refused(
        lambda: [[*row, *(f"{column}" for column in range(2000))] for row in sample()],
        r"^report\.csv:1:1001: 985 — more than 1,000 columns",
    ),
    "BOM": accepted(b"\xef\xbb\xbf" + GOOD),
    "invalid UTF-8": refused(
        to_bytes(changed("sub_region_1", "@@@")).replace(b"@@@", b"\xc9vora"),
        AT + r"sub_region_1: \\xc9vora — not valid",
    ),
    "NUL byte": refused(changed("sub_region_1", "Lis\0bon"), AT + r"sub_region_1: Lis\\x00bon — a control character"),
    "CRLF": accepted(to_bytes(sample(), end="\r\n")),
    "; separator": refused(to_bytes(sample(), comma=";"), r"^report\.csv:1:1: country.*… — .* commas, not by ';'"),
    "open quote": refused(changed("country_region", '"Portugal'), AT + r'country_region: "Portugal.* — a quote'),
    "too many fields": refused(
        insert(sample()[:-1], LINE, [*sample()[LINE - 1], "7"]),
        AT + "16: 7 — too many fields: 16 where the header has 15",
    ),
    "too few fields": refused(
        insert(sample()[:-1], LINE, sample()[LINE - 1][:-1]), AT + r"residential_\w+: PT,.* — too few fields: 14 where"
    ),
    "a blank line": refused(insert(sample(), LINE, []), AT + r"country_region_code: \(blank\) — too few fields: 0"),
    "duplicate header": refused(
        [[*row, row[9]] for row in sample()], rf"^report\.csv:1:{RETAIL}: {RETAIL[:40]}.* — a duplicate header"
    ),
    "missing column": refused(
        without(sample(), RETAIL), rf"^report\.csv:1:{RETAIL}: \(blank\) — this column is missing"
    ),
    "new column": accepted(
        [[*row, "x"] for row in sample()[:1]] + [[*row, "5"] for row in sample()[1:]],
        r"^report\.csv:1: a new column, x, is not read",
    ),
    "reordered columns": accepted([row[::-1] for row in sample()]),
    "old vintage without metro_area": accepted(without(sample(), "metro_area")),
    "old vintage without place_id": accepted(without(sample(), "place_id")),
    "oldest vintage": accepted(without(sample(), "metro_area", "iso_3166_2_code", "census_fips_code", "place_id")),
    "duplicate row, same values": accepted(
        insert(sample(), LINE + 1, sample()[LINE - 1]),
        rf"^duplicate rows .*: 1 left out; first report\.csv:{LINE + 1}, which repeats report\.csv:{LINE}$",
    ),
    "duplicate row, other values": refused(
        insert(sample(), LINE + 1, changed(RETAIL, "77")[LINE - 1]),
        rf"^report\.csv:{LINE + 1}:{RETAIL}: 77 — report\.csv:{LINE} has -?\d+ for the same place and day",
    ),
    "metro rows": accepted(metro(sample())),
    "metro rows taken for the country": refused(
        without(metro(sample()), "metro_area"),
        rf"^report\.csv:{LINE + 1}:\w+: -50 — report\.csv:{LINE} has .* for the same place and day",
    ),
    "code NA": accepted([*sample(), *(["NA", "Namibia", *row[2:]] for row in sample()[1:])]),
    "code that is none": refused(
        changed("country_region_code", "Portugal"), AT + "country_region_code: Portugal — a co"
    ),
    "ISO code that is none": refused(
        changed("iso_3166_2_code", "Lisboa"), AT + "iso_3166_2_code: Lisboa — an ISO 3166-2"
    ),
    "2020-02-30": refused(changed("date", "2020-02-30"), AT + "date: 2020-02-30 — there is no such day"),
    "03/02/2020": refused(changed("date", "03/02/2020"), AT + "date: 03/02/2020 — a date is written YYYY-MM-DD"),
    "date with a time": refused(changed("date", "2021-09-26T00:00"), AT + "date: 2021-09-26T00:00 — a date is written"),
    "blank date": refused(changed("date", ""), AT + r"date: \(blank\) — a date is written YYYY-MM-DD"),
    "future date": refused(changed("date", "2999-01-01"), AT + r"date: 2999-01-01 — a future date: today is 20\d\d-"),
    "date before the first": refused(changed("date", "1921-09-26"), AT + "date: 1921-09-26 — before 2020-02-15"),
    "unsorted": accepted([sample()[0], *sample()[:0:-1]]),
    "gap": accepted(
        sample()[: LINE - 1] + sample()[LINE + 6 :],
        "^gaps: 1 of 1 locations lack 7 days within their range; first PT 2021-09-26 to 2021-10-02$",
    ),
    "series too short": accepted(sample()[:1] + sample()[-10:]),
    "category empty": accepted(
        sample()[:1] + [[*row[:9], "", *row[10:]] for row in sample()[1:]],
        "^category empty: retail_and_recreation has no value$",
    ),
    "older than the last snapshot": accepted(sample()[:-10]),
    "history rewritten": accepted(changed(RETAIL, "77")),
    "below -100": refused(changed(RETAIL, "-101"), AT + f"{RETAIL}: -101 — below -100"),
    "absurd": refused(changed(RETAIL, "5001"), AT + f"{RETAIL}: 5001 — above 5000"),
    "inf": refused(changed(RETAIL, "inf"), AT + f"{RETAIL}: inf — must be a finite number"),
    "nan": refused(changed(RETAIL, "NaN"), AT + f"{RETAIL}: NaN — must be a finite number, or blank"),
    "1e9": refused(changed(RETAIL, "1e9"), AT + f"{RETAIL}: 1e9 — must be a number from -100 to 5000"),
    "1,5 in quotes": refused(changed(RETAIL, '"1,5"'), AT + f"{RETAIL}: 1,5 — write 1.5: "),
    "1,5": refused(changed(RETAIL, "1,5"), AT + "16: .* — too many fields: 16 where the header has 15; .* decimal"),
    "unicode minus": refused(changed(RETAIL, "\u22125"), AT + f"{RETAIL}: \u22125 — write -5: a minus is -"),
    "digits of another script": refused(changed(RETAIL, "\u0665"), AT + f"{RETAIL}: \u0665 — must be a number"),
    "formula in a name": refused(
        changed("sub_region_1", "=HYPERLINK(1)"), AT + r"sub_region_1: =HYPERLINK\(1\) — a name that .* formula"
    ),
    "escape sequence in a name": refused(
        changed("sub_region_1", "\x1b[2J"), AT + r"sub_region_1: \\x1b\[2J — a control character"
    ),
    "reversed text in a name": refused(
        changed("sub_region_1", "\u202eabc"), AT + r"sub_region_1: \\u202eabc — a name with invisible"
    ),
    "endless name": refused(changed("sub_region_1", "x" * 201), AT + f"sub_region_1: {'x' * 60}… — longer than 200"),
    "a field of 100 MB": Case(
        long_field, refused=True, says=AT + "sub_region_1: x{60}… — a line of more than 65,536 bytes"
    ),
}
