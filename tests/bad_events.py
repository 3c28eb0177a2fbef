"""Events that are refused, and what the refusal says."""

HEAD = "from,to,site,what,effect,entered\n"
LINES = {  # beneath the head
    "2026-02-30,,,x,closed,": "from: 2026-02-30 — no day of the calendar",
    "31/12/2026,,,x,closed,": "no day of the calendar",
    "2026-12-31,2026-12-30,,x,closed,": "to: 2026-12-30 — an event has one to 366 days, one that is closed up to 3,660",
    "2026-12-31,2028-01-01,,x,quieter,": "an event has one to 366 days",
    "2026-12-31,2062-12-31,,x,closed,": "one that is closed up to 3,660, and its last is not before its first",
    "2026-12-31,,,x,shut,": "effect: shut — one of closed, busier, quieter, unknown",
    "2026-12-31,,,,closed,": r"what: \(blank\) — up to 100 characters",
    "2026-12-31,,,=cmd(),closed,": "what: =cmd",
    "2026-12-31,,,<b>x</b>,closed,": "what: <b>x</b> — up to 100",
    "2026-12-31,,=A1,x,closed,": "site: =A1 — a name that a spreadsheet would run",
    "2026-12-31,,,x,closed,yesterday": "entered: yesterday — no day",
    "2026-12-31,,,Fair, with music,closed,": "more fields than the first line",
}
FILES = [
    (b"", "from, to, site, what, effect, entered — missing or twice in the first line"),
    (b"from,to,what,effect,entered\n", "site — missing"),
    (b"from,to,site,what,effect,entered,to\n", "to — missing or twice"),
    ("from,to,site,what,effect,entered\n2026-12-31,,,Férias,closed,".encode("cp1252"), "not written in UTF-8"),
]
