"""Settings, markets' files and their names that are refused, and what the refusal says."""

BAD = {
    "an unknown key": ({"data.sourc": "sample"}, r"data\.sourc: no such key — did you mean source\?"),
    "an unknown section": ({"trian.margin": 0.1}, r"trian: no such key — did you mean train\?"),
    "a key without a section": ({"source": "sample"}, r"'source': write section\.key=value"),
    "a key with code in it": ({"train.margin=__import__('os')": 1}, r"no such key"),
    "a text for a number": ({"train.margin": "much"}, r"train\.margin: 'much' — Input should be a valid number"),
    "a number for a text": ({"data.source": 3}, r"data\.source: 3 — Input should be a valid string"),
    "yes for a number": ({"predict.horizon": True}, r"predict\.horizon: True — Input should be a valid integer"),
    "horizon 0": ({"predict.horizon": 0}, r"predict\.horizon: 0 — .*greater than or equal to 1"),
    "horizon -1": ({"predict.horizon": -1}, r"predict\.horizon: -1 — .*greater than or equal to 1"),
    "horizon 10000": ({"predict.horizon": 10_000}, r"predict\.horizon: 10000 — .*less than or equal to 28"),
    "NaN": ({"train.margin": float("nan")}, r"train\.margin: nan — Input should be a finite number"),
    "infinity": ({"train.margin": float("inf")}, r"train\.margin: inf — Input should be a finite number"),
    "a path for a location": ({"data.location": "../PT"}, r"data\.location: '\.\./PT' — a location is an ISO 3166"),
    "a path behind a location": ({"data.location": "PT/../DE"}, r"data\.location: 'PT/\.\./DE' — "),
    "a path for a category": ({"data.category": "../x"}, r"data\.category: '\.\./x' — a category has small letters"),
    "30 February": ({"data.as_of": "2022-02-30"}, r"data\.as_of: '2022-02-30' — .* no day of the calendar"),
    "a day the other way round": ({"data.as_of": "13/10/2022"}, r"data\.as_of: .* write it as '2022-10-13'"),
    "three words for what is counted": ({"data.measure": {"en": ["a", "b", "c"]}}, r"data\.measure\.en: .* \[guest"),
    "no word for several": ({"data.measure": {"en": ["guest", ""]}}, r"data\.measure\.en: .* a word, or that of one"),
    "a number for what is counted": ({"data.measure": {"en": 5}}, r"data\.measure\.en: 5 — a word, or that of one and"),
    "NO for a country, unquoted": ({"data.countries": [False]}, r"data\.countries\.0: False — .* valid string"),
    "quantiles unsorted": ({"predict.quantiles": [0.9, 0.5, 0.1]}, r"predict\.quantiles: .* must rise"),
    "quantiles doubled": ({"predict.quantiles": [0.1, 0.5, 0.5, 0.9]}, r"predict\.quantiles: .* must rise"),
    "quantiles outside 0 and 1": ({"predict.quantiles": [0.0, 0.1, 0.5, 0.9]}, r"predict\.quantiles: .* must rise"),
}  # fmt: skip
FILES = {
    "a python tag": ("data: !!python/object/apply:os.system ['true']\n", r"bad\.yaml: .*(tag|constructor)"),
    "a duplicate key": ("data: {source: sample}\ndata: {source: x}\n", r"bad\.yaml: .*duplicate key"),
    "not a mapping": ("- data\n", r"bad\.yaml: must hold the sections"),
    "a name inside": ("name: x\ndata: {source: sample}\n", r"bad\.yaml: must hold the sections"),
    "no data": ("train: {}\n", r"bad\.yaml: data: missing"),
    "a number without digits": (
        "data: {source: sample}\npredict: {horizon: 0x_}\n",
        r"^bad\.yaml: predict\.horizon: '0x_' — ",
    ),
    "broken": ("data: {source\n", r"bad\.yaml: "),
}
NAMES = ["../sample", "Sample", "sam ple", "", "-x", "a" * 50, "..", "CON", "café", "sample\n"]
TAKEN = ["ledger", "snapshots", "doctor", "con", "aux", "lpt1"]  # elsewhere, although such a file could be there


def as_yaml(value):
    """A setting as it is typed behind ``--set key=``."""
    return {"nan": ".nan", "inf": ".inf"}.get(str(value), f"'{value}'" if value in ("sample", "much") else str(value))
