"""A run's record in MLflow's words: the metrics, parameters, tags, data and description of its page there."""

import html
import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from pydantic import TypeAdapter, ValidationError

from flows.record.files import template_of
from flows.record.owner import read_owner
from flows.record.record import Record, describe
from flows.settings import notebook_of
from flows.storage import layout

MOST = 1e300  # of a metric
SMALL = 250  # characters of a parameter or a reason; the whole of it is in record.json
CUT = "… (record.json has all)"
LATE = "its record came late, and nothing came of it: MLflow did not take it when it ended"
AFTER = "it failed after its notebook"
PAGE = "out/forecast/index.html"  # as this run wrote it; the market's own address shows that of the latest
VIEW = "workflowType=machine_learning"  # MLflow 3 shows every run as a chat unless told so


def source(folder: Path) -> dict[str, str]:
    """Where a run comes from, in the tags that MLflow's pages show: its notebook, the commit, who ran it."""
    commit = str((read_owner(folder).revision or {}).get("commit", "unknown"))
    tags = {
        "mlflow.source.name": f"notebooks/{notebook_of(template_of(folder).stem).name}",
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.user": _user(folder),
    }
    return tags if commit == "unknown" else tags | {"mlflow.source.git.commit": commit}


def _user(folder: Path) -> str:
    """Who claimed a folder, by the operating system's name, or number where a container knows no names."""
    with suppress(KeyError):
        return folder.owner()
    return str(folder.stat().st_uid)


def metrics(record: Record, folder: Path) -> list[Metric]:
    """What the notebook measured, in ``out/metrics.json``, without what is no finite number, and how long it ran.

    Of a name stays what MLflow takes: for a sign that it refuses it would refuse the whole record.
    """
    now, measured = int(time.time() * 1000), _measured(folder / "out" / "metrics.json") | {"seconds": record.seconds}
    numbers = {_named(name): round(float(value), 4) for name, value in measured.items() if _is_number(value)}
    return [Metric(name, value, now, 0) for name, value in numbers.items() if name]  # rounded, as a list can show them


def _named(name: str) -> str:
    """A metric's name without what MLflow takes for a path, or not at all."""
    parts = re.sub(r"[^\w.:/ -]", "_", name[:SMALL]).split("/")
    return "/".join(part for part in parts if part.strip("."))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= MOST  # which NaN is not, nor what no float can hold


def _measured(path: Path) -> dict[str, Any]:
    """What a notebook wrote; nothing where it did not, or died while it did."""
    with suppress(OSError, ValidationError):
        return TypeAdapter(dict[str, Any]).validate_json(path.read_bytes())
    return {}


def params(record: Record) -> list[Param]:
    """What the notebook was asked."""
    texts = {name: str(value) for name, value in record.parameters.items()}
    return [Param(name, text if len(text) <= SMALL else text[: SMALL - len(CUT)] + CUT) for name, text in texts.items()]


def tags(record: Record, run: Any, note: str = "", late: bool = False) -> list[RunTag]:
    """What a run can be found by, and the description on its page, which ends with the note."""
    description = f"{LATE}; {describe(record)}" if late and record.outcome == "succeeded" else describe(record)
    facts = {
        **record.tags,
        "outcome": record.outcome,
        "summary": description.partition("\n")[0][:SMALL],
        "reason": record.reason[:SMALL],
        "stopped_at": record.stopped_at or "",
        "commit": record.commit,
        "dirty": str(record.dirty).lower(),
        "modified": str(record.modified).lower(),
        "template": record.template,
        "lock": record.lock,
        "mlflow.note.content": f"{as_text(description)}\n\n{_links(record, run)}{note}",
    }
    return [RunTag(name, str(value)) for name, value in facts.items() if value != ""]


def as_text(text: str) -> str:
    """What came from outside, in Markdown: no link, picture or tag of its own."""
    return re.sub(r"([\[\]`])", r"\\\1", html.escape(text, quote=False))


def _links(record: Record, run: Any) -> str:
    """From a run's description to what it wrote, without a detour over the list of files."""
    artifacts = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts"
    pages = {"the notebook": f"{record.notebook}.html", "what changed": "changes.html"}
    pages |= {"its page": PAGE} if PAGE.removeprefix("out/") in record.outputs else {}
    links = {name: f"{artifacts}/{file}?{VIEW}" for name, file in pages.items()} | _flow_run(record)
    return " · ".join(f"[{name}]({address})" for name, address in links.items())


def _flow_run(record: Record) -> dict[str, str]:
    """Back to Prefect, where the flow's log is; above all from a run that failed."""
    ui = os.environ.get("PREFECT_UI_URL") or os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
    flow_run = record.tags.get("prefect_flow_run")
    return {"the flow run": f"{ui}/runs/flow-run/{flow_run}"} if ui and flow_run else {}


def dataset(record: Record) -> DatasetInput:
    """The snapshot as MLflow's dataset, so that its pages find every run on the same figures."""
    source = json.dumps({"uri": layout.snapshot(record.tags["snapshot"]), "source": record.tags.get("source", "")})
    name = f"{record.tags.get('market', '')} through {record.tags.get('data_through', '?')}"
    snapshot = Dataset(name, record.tags["snapshot"][:36], "local", source, profile=None, schema=None)
    return DatasetInput(snapshot, [InputTag("mlflow.data.context", record.notebook)])
