"""What a reviewer finds: artifacts of the flow run in Prefect, a sentence and the ways on in MLflow."""

from typing import Any

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from flows.orchestration import alerts
from flows.record import mlflow_runs
from flows.station.run import Run
from flows.storage import layout
from footfall.units import unit_of

TABLES = {  # a station's table, and what its figures are
    "predict": ("forecast", "In {says}; four days out of five end between low and high."),
    "train": (
        "leaderboard",
        "Chosen was on the days before these. Smaller is better, but for the cover of a range, where its share is.",
    ),
    "review": ("report-card", "Of the days that became known; errors in {errors}, smaller is better."),
}


async def present(run: Run, decided: str, table: list[dict[str, Any]] | None = None) -> None:
    """Show in Prefect and in MLflow what came of a run, each with the way to the other.

    It is done and published by then, so what cannot be shown stops nothing.

    Parameters
    ----------
    run : Run
        Whose record has been delivered.
    decided : str
        What came of it, in a sentence: the gate's decision, or where the forecast went.
    table : list of dict, optional
        Rows that Prefect shows: the forecast, the leaderboard, the report card.
    """
    with alerts.best_effort():
        page = layout.url(layout.shown(run.market.name, layout.PAGE)) if run.station == "predict" else ""
        mlflow_runs.tell(run.id, decided.partition(": gs://")[0])
        link = mlflow_runs.link(run.id)
        summary = _summary(run, link, page)
        await acreate_markdown_artifact(summary, key=run.key(run.station), description=decided)
        if table:
            name, units = TABLES[run.station]
            units = units.format(**unit_of(run.market.data.category)._asdict())
            await acreate_table_artifact(table, key=run.key(name), description=f"{decided}. {units}")


def _summary(run: Run, link: str, page: str) -> str:
    facts = {"as of": str(run.as_of), "data through": run.facts["data_through"],
             "compared with" if run.station == "train" else "model": run.facts.get("model_version", ""),
             "notebook": f"[in MLflow]({link})",
             "page": f"[as it is now]({page})" if page else ""}  # fmt: skip
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact)
