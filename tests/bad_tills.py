"""Exports of tills and counters that are refused, and what the refusal says; read with ``covers`` as their values."""

import zipfile
from io import BytesIO

with zipfile.ZipFile(content := BytesIO(), "w") as archive:
    for name in (zipfile.ZipInfo("[Content_Types].xml"), zipfile.ZipInfo("xl/workbook.bin")):
        archive.writestr(name, "")
XLSB = content.getvalue()
FILES = [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), r"an old Office file, .* save it as \.xlsx"),
    (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(100), "damaged, or not an Office file"),
    (XLSB, r"a binary Excel file \(\.xlsb\); save it as \.xlsx or \.csv"),
    (b"<!DOCTYPE html><html></html>", "an HTML page"),
    (b"", "an empty file"),
    (b"date,covers\n", "no row beneath the header"),
    (b"date,covers\n2025-01-01,1\0\n", "a NUL byte"),
    (b"PK\x03\x04" + bytes(400), "damaged, or not a zip archive"),
    (b'date,covers\n2025-01-01,"1\n', "no line of a CSV file"),
    (b"date,covers,covers\n2025-01-01,1,2\n", "a duplicate header"),
    (b"date,covers\n2025-01-01,0\n", "no day has a value above 0"),
    (b"date,covers\n2025-01-01,-1\n", "-1 — below 0: fewer than nobody"),
    (b"date,covers\n0203-01-01,1\n", r"before 1990-01-01; mind data\.dates"),
    (b"date,covers\n2026-11-26,5\n", "no row of a day before 2026-11-26"),
    (b"PAR1" + bytes(100), "damaged, or not a Parquet file"),
]
SITES = [  # names of sites
    ("<b>x</b>", "a name with < or >"),
    ("=1+1", "would run as a formula"),
    ("\x1b[2J", "control characters"),
    ("\u202eabc", "invisible"),
    ("None", "a word for nothing"),
    ("N/A", "a word for nothing"),
    ("", "no name"),
    ("x" * 201, "longer than 200"),
    ("..", r"\.\."),
]
