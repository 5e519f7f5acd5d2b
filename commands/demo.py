"""`hawser demo`: from nothing to a served API on a sample world, stage by stage."""

import json as jsonlib
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from commands import output, serving, stages
from commands.meter import Meter
from graph.errors import HawserError
from graph.settings import Settings

#: Says that a data folder was made by the demo, and from what: only then may it be made anew.
MARKER = "demo.json"

#: What `--data korea` has no rows for, and what that leaves out.
WITHOUT = {
    "resolve": "the declarations name parties by masked codes: there are no names to compare",
    "owners": "there are no ownership or director relations",
    "paths": "there are no penalties, list entries or relations for risk to travel along",
    "ports": "there are no ports, vessels or containers",
}


@dataclass(frozen=True)
class Plan:
    """What to show: `data` is world or korea; `path` holds the declarations for korea."""

    data: str
    enterprises: int
    seed: int
    path: Path | None


@dataclass
class Story:
    """What the demo has done so far."""

    plan: Plan
    settings: Settings
    meter: Meter = field(default_factory=Meter)
    told: dict[str, Any] = field(default_factory=dict)

    def stage(self, name: str, work: Callable[[output.Report], Any]) -> Any:
        """Run one stage, measured and announced; gives what it gives."""
        with self.meter.measure(name), output.working(name) as report:
            self.meter.others |= _server(self.settings)
            result = work(report)
        took = self.meter.stages[name]
        output.note(f"  {name:<9} {took.seconds:7.1f} s  {took.peak / 1e6:8,.0f} MB at most")
        return result


def run(plan: Plan, *, json: bool) -> None:
    """Run the demo; on a terminal it serves until interrupted.

    Raises:
        HawserError: the data folder holds something that the demo did not make.
    """
    if plan.data not in ("world", "korea"):
        raise HawserError(f"no data {plan.data!r}", hint="use --data world or --data korea")
    story = Story(plan, output.settings())
    _prepare(story)
    output.note(f"Demo in {story.settings.home.absolute()}")
    _bring_in(story)
    _derive(story)
    told = _summary(story)
    if sys.stdout.isatty() and not json:
        _show(told)
        serving.serve_beside(story.settings)
        return
    with serving.beside(story.settings) as address:
        told |= {"address": address, "answer": serving.ask(address, told["enterprise"])}
    output.emit(told, json=json, text=lambda: _show(told))


def _prepare(story: Story) -> None:
    """Reuse the data folder when it was made from the same plan, else make it anew."""
    home = story.settings.home
    marker, plan = home / MARKER, {**asdict(story.plan), "path": str(story.plan.path or "")}
    if marker.exists():
        if jsonlib.loads(marker.read_text(encoding="utf-8")) == plan:
            return
        shutil.rmtree(home)
    elif home.exists() and any(path.name != "logs" for path in home.iterdir()):
        raise HawserError(
            f"{home} holds data that the demo did not make", hint="give another folder with --home"
        )
    home.mkdir(parents=True, exist_ok=True)
    marker.write_text(jsonlib.dumps(plan), encoding="utf-8")


def _server(settings: Settings) -> set[int]:
    """The process id of the embedded graph server, if one runs."""
    from graph.store.server_folder import server_folder

    folder = server_folder(settings.home)
    running = folder.running() if folder.server_lock.exists() else None
    return {running.pid} if running else set()


def _bring_in(story: Story) -> None:
    settings, plan = story.settings, story.plan
    if plan.data == "korea":
        source, path = "korea_customs", _korea(plan)
        for stage, reason in WITHOUT.items():
            output.note(f"  left out: {stage}: {reason}")
    else:
        folder = settings.home / "world"
        source, path = "tables", folder / "tables"
        if not (folder / "truth").exists():
            wanted = stages.World(folder, plan.enterprises, plan.seed)
            story.stage("world", lambda p: stages.world(wanted, p))
    story.told["ingest"] = story.stage(
        "ingest", lambda p: stages.ingest(settings, stages.Delivery(source, path), p)
    )
    if plan.data == "world":
        story.told["resolve"] = story.stage("resolve", lambda p: stages.resolve(settings, p))
    story.told["load"] = story.stage("load", lambda p: stages.load(settings, True, None, None, p))


def _korea(plan: Plan) -> Path:
    if plan.path is None or not plan.path.exists():
        raise HawserError(
            "--data korea needs the declarations",
            hint="give the folder or file with --path (Seondong/Customs-Declaration-Datasets, MIT)",
        )
    return plan.path


def _derive(story: Story) -> None:
    settings, told, seed = story.settings, story.told, story.plan.seed
    truth = settings.home / "world" / "truth" / "shipments.parquet"
    known = truth if truth.exists() else None
    told["snapshot"] = story.stage("snapshot", lambda p: stages.snapshot(settings, None, None, p))
    told["features"] = story.stage("features", lambda p: stages.features(settings, None, p))
    told["train"] = story.stage("train", lambda p: stages.train(settings, None, seed, known, p))
    told["score"] = story.stage("score", lambda p: stages.score(settings, None, None, p))
    told["grade"] = story.stage("grade", lambda p: stages.grade(settings, None, None, False, p))
    story.stage("search", lambda p: stages.index(settings, p))


def _summary(story: Story) -> dict[str, Any]:
    told = story.told
    chosen = _example(story.settings)
    return {
        "data": story.plan.data,
        "home": story.settings.home.absolute(),
        "accepted": told["ingest"]["accepted"],
        "quarantined": told["ingest"]["quarantined"],
        "nodes": told["snapshot"]["nodes"],
        "edges": told["snapshot"]["edges"],
        "stages": [
            {"stage": name, "seconds": round(took.seconds, 1), "peak_mb": took.peak // 1_000_000}
            for name, took in story.meter.stages.items()
        ],
        "seconds": round(story.meter.seconds, 1),
        "peak_mb": story.meter.peak // 1_000_000,
        "grades": told["grade"]["counts"],
        "precision": stages.precision(told["train"]),
        "snapshot": told["snapshot"]["id"],
        "left_out": WITHOUT if story.plan.data == "korea" else {},
        **chosen,
    }


def _example(settings: Settings) -> dict[str, Any]:
    """A portrait worth looking at, and the risk path that reaches it: keys enterprise, path."""
    import hawser
    from graph.scores import open_scores

    with hawser.Data(settings) as data:
        scores = open_scores(settings, data.snapshot.id).enterprises
        ranked = scores.sort_by([("probability", "descending")])["enterprise_id"].to_pylist()
        found = [(data.paths(id, limit=1), id) for id in ranked[:40]]
        best, id = max(found, key=lambda pair: (_telling(pair[0]), pair[0]["influence"]))
        return {"enterprise": id, "portrait": data.portrait(id), "path": best}


def _telling(paths: Mapping[str, Any]) -> int:
    """A path of two or three steps says more than one of one."""
    shown = paths["paths"]
    return min(len(shown[0]["hops"]), 3) if shown else 0


def _show(told: dict[str, Any]) -> None:
    from commands import explore

    output.show(
        {
            name: {kind: count for kind, count in told[name].items() if count}
            for name in ("nodes", "edges")
        }
    )
    rows = [(line["stage"], line["seconds"], line["peak_mb"]) for line in told["stages"]]
    total = ("all", told["seconds"], told["peak_mb"])
    output.table("stages", ("stage", "seconds", "MB at most"), [*rows, total])
    output.show({"grades": told["grades"]})
    output.table(
        "Of the riskiest 4 % of later shipments, the share with a violation",
        ("picked by", "share"),
        told["precision"].items(),
    )
    say = output.answer().print
    say(f"\nPortrait of {told['enterprise']}")
    explore.show_portrait(told["portrait"])
    if told["path"]["paths"]:
        say("\nHow risk reaches it / 风险如何传到该企业")
        for line in explore.path_lines(told["path"]["paths"][0]):
            say(line, markup=False, soft_wrap=True)
    if "answer" in told:
        say(f"\n{told['address']}/graphql answered:")
        say(jsonlib.dumps(told["answer"], ensure_ascii=False), markup=False, soft_wrap=True)
    say("\nTo serve it again: hawser serve")
