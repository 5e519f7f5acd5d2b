"""`hawser demo`: from nothing to a served API on a sample world, stage by stage."""

import json as jsonlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands import demo_summary, output, serving, stages, words
from commands.meter import Meter
from graph.errors import HawserError
from graph.ontology import EDGE_KINDS
from graph.settings import Settings

if TYPE_CHECKING:
    import hawser

#: Says that a data folder was made by the demo, and from what: only then may it be made anew.
MARKER = "demo.json"

#: What `--data korea` cannot feed, and why.
WITHOUT = {
    "resolve": "parties are masked codes: there are no names or addresses to compare",
    "related parties": "there are no persons, relations, addresses or telephone numbers",
    "risk paths": "no penalties, list entries or relations: risk is followed along trade alone,"
    " which says little",
    "ports": "there are no ports, vessels or containers",
    "graph network": "trade is the only tie, the model one of trees: it claims nothing for ties",
}

#: The declarations in a folder of shared data, and those that come with the repository.
DECLARATIONS = ("korea_train.csv", "korea_valid.csv")
SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "korea_sample.csv"

#: What of the training report the summary tells.
MODELS = ("champion", "judged", "rows", "novel_rows", "notes", "split")

#: Fewest imports of an enterprise whose portrait is shown, and how many of the riskiest are tried.
IMPORTS, CANDIDATES = 10, 150

#: Influence from which a path is worth telling by itself.
WEIGHTY = 0.05


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
    quiet: bool = False
    meter: Meter = field(default_factory=Meter)
    told: dict[str, Any] = field(default_factory=dict)

    def stage(self, name: str, work: Callable[[output.Report], Any]) -> Any:
        """Run one stage, measured and announced; gives what it gives."""
        with self.meter.measure(name), output.working(name) as report:
            self.meter.others |= _server(self.settings)
            result = work(report)
        took = self.meter.stages[name]
        self.tell(f"  {name:<9} {took.seconds:7.1f} s  {took.peak / 1e6:8,.0f} MB at most")
        return result

    def tell(self, line: str) -> None:
        """One line of the story as it goes on; none when the answer is to be one JSON object."""
        if not self.quiet:
            words.say(line)


def run(plan: Plan, *, json: bool) -> None:
    """Run the demo; on a terminal it serves until interrupted.

    Raises:
        HawserError: the data folder holds something that the demo did not make.
    """
    if plan.data not in ("world", "korea"):
        raise HawserError(f"no data {plan.data!r}", hint="use --data world or --data korea")
    settings = output.settings()
    if plan.data == "korea":  # never beside a world's data
        settings = replace(settings, home=settings.home.with_name(f"{settings.home.name}-korea"))
    story = Story(plan, settings, quiet=json)
    _prepare(story)
    story.tell(f"Demo in {story.settings.home.absolute()}")
    _bring_in(story)
    _derive(story)
    chosen = story.stage("explore", lambda p: _example(settings))
    if sys.stdout.isatty() and not json:
        demo_summary.show(_summary(story) | chosen)
        serving.serve_beside(story.settings)
        return
    chosen |= story.stage("serve", lambda p: _asked(settings, chosen["enterprise"]))
    told = _summary(story) | chosen
    output.emit(told, json=json, text=lambda: demo_summary.show(told))


def _asked(settings: Settings, enterprise: str) -> dict[str, Any]:
    """What the HTTP server answers on an enterprise, without a terminal to serve from."""
    with serving.beside(settings) as address:
        return {"address": address, "answer": serving.ask(address, enterprise)}


def _prepare(story: Story) -> None:
    """Reuse the data folder when it was made from the same plan; never remove one."""
    home = story.settings.home
    marker, plan = home / MARKER, {**asdict(story.plan), "path": str(story.plan.path or "")}
    if marker.exists():
        if jsonlib.loads(marker.read_text(encoding="utf-8")) == plan:
            return
        raise HawserError(
            f"{home} holds a demo made with other options",
            hint="give another folder with --home, or remove this one yourself",
        )
    if home.exists() and any(path.name != "logs" for path in home.iterdir()):
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
        source, paths = "korea_customs", declarations(plan.path)
        story.tell(f"Declarations: {', '.join(str(path) for path in paths)}")
    else:
        folder = settings.home / "world"
        source, paths = "tables", [folder / "tables"]
        if not (folder / "truth").exists():
            wanted = stages.World(folder, plan.enterprises, plan.seed)
            story.stage("world", lambda p: stages.world(wanted, p))
    story.told["ingest"] = _ingest(story, source, paths)
    if plan.data == "world":
        story.told["resolve"] = story.stage("resolve", lambda p: stages.resolve(settings, p))
    story.told["load"] = story.stage("load", lambda p: stages.load(settings, True, None, None, p))


def declarations(path: Path | None) -> list[Path]:
    """The files with declarations: those given, shared ones, or the sample of the repository.

    Raises:
        HawserError: there are none.
    """
    if path is not None:
        found = sorted(path.glob("*.csv")) if path.is_dir() else [path]
        return [file for file in found if file.is_file()] or _missing(path)
    shared = Path(os.environ.get("HAWSER_SHARED") or SAMPLE.parents[3] / "shared")
    folder = shared / "data" / "declarations"
    found = [folder / name for name in DECLARATIONS if (folder / name).is_file()]
    return found or ([SAMPLE] if SAMPLE.is_file() else _missing(folder))


def _missing(path: Path) -> list[Path]:
    raise HawserError(
        f"{path} holds no declarations for --data korea",
        hint="give the file or folder with --path (Seondong/Customs-Declaration-Datasets, MIT)",
    )


def _ingest(story: Story, source: str, paths: Sequence[Path]) -> dict[str, Any]:
    """Read files one after the other; counts of all together."""
    accepted: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    for path in paths:
        read = partial(stages.ingest, story.settings, stages.Delivery(source, path))
        done = story.stage("ingest", read)
        accepted.update(done["accepted"])
        quarantined.update(done["quarantined"])
    return {"accepted": dict(accepted), "quarantined": dict(quarantined)}


def _derive(story: Story) -> None:
    settings, told, seed = story.settings, story.told, story.plan.seed
    truth = settings.home / "world" / "truth" / "shipments.parquet"
    known = truth if truth.exists() else None
    told["snapshot"] = story.stage("snapshot", lambda p: stages.snapshot(settings, None, None, p))
    told["features"] = story.stage("features", lambda p: stages.features(settings, None, p))
    ties = story.plan.data == "world"  # without ties there is nothing for the network to learn from
    told["train"] = story.stage(
        "train", lambda p: stages.train(settings, None, seed, known, p, network=ties)
    )
    told["score"] = story.stage("score", lambda p: stages.score(settings, None, None, p))
    told["grade"] = story.stage("grade", lambda p: stages.grade(settings, None, None, False, p))
    story.stage("search", lambda p: stages.index(settings, p))


def _summary(story: Story) -> dict[str, Any]:
    told = story.told
    return {
        "data": story.plan.data,
        "home": story.settings.home.absolute(),
        "accepted": told["ingest"]["accepted"],
        "quarantined": told["ingest"]["quarantined"],
        "nodes": told["snapshot"]["nodes"],
        "edges": told["snapshot"]["edges"],
        "stages": [
            {"stage": name, "seconds": round(took.seconds, 1), "peak_mb": round(took.peak / 1e6)}
            for name, took in story.meter.stages.items()
        ],
        "seconds": round(story.meter.seconds, 1),
        "peak_mb": round(story.meter.peak / 1e6),
        "grades": told["grade"]["counts"],
        "precision": stages.precision(told["train"]),
        "models": {key: told["train"][key] for key in MODELS},
        "snapshot": told["snapshot"]["id"],
        "left_out": WITHOUT if story.plan.data == "korea" else {},
    }


def _example(settings: Settings) -> dict[str, Any]:
    """A portrait worth looking at, and the risk path that reaches it.

    Keys: enterprise, portrait, path, names (English ones by id). It is an importer at risk, if
    there is one tied in two or three steps to a party with a record of its own.
    """
    import hawser

    with hawser.Data(settings) as data:
        ranked = importers(data)[:CANDIDATES]
        if not ranked:
            raise HawserError("the data hold no importer to show")
        found = [(id, data.paths(id, limit=5)) for id in ranked]
        id, paths = max(found, key=lambda pair: _interest(pair[1]))
        shown = _most_telling(paths)[1]
        path = words.with_documents(settings, {**paths, "paths": [shown] if shown else []})
        ends = {hop[end] for hop in (shown or {}).get("hops", ()) for end in ("from", "to")}
        names = words.english(data.snapshot, {id, *ends} - {None}, settings.clearance)
        return {"enterprise": id, "portrait": data.portrait(id), "path": path, "names": names}


def importers(data: "hawser.Data") -> list[str]:
    """Enterprises that import, the riskiest first; those with many imports before all others."""
    import numpy as np

    scores = data.scores().enterprises
    ranked = scores.sort_by([("probability", "descending"), ("enterprise_id", "ascending")])
    ids = ranked["enterprise_id"].to_pylist()
    numbers = data.snapshot.locate("Enterprise", ids)
    imports = np.bincount(data.snapshot.edges("IMPORTED").source, minlength=data.snapshot.size)
    kept = [(id, int(imports[number])) for id, number in zip(ids, numbers, strict=True)]
    many = [id for id, count in kept if count >= IMPORTS]
    return many or [id for id, count in kept if count]


def _interest(paths: Mapping[str, Any]) -> tuple[int, float]:
    """What makes an enterprise worth showing; of equals the riskiest, which is tried first."""
    return _most_telling(paths)[0], round(paths["influence"], 1)


def _most_telling(paths: Mapping[str, Any]) -> tuple[int, Mapping[str, Any] | None]:
    """The path to an enterprise that tells most, and how much: see `_telling`."""
    best = max(paths["paths"], key=_telling, default=None)
    return (0, None) if best is None else (_telling(best), best)


def _telling(path: Mapping[str, Any]) -> int:
    """Two or three steps along ties other than trade tell most: those are not in a declaration."""
    trade = [EDGE_KINDS[name] for name in ("TRADES_WITH", "IMPORTED", "EXPORTED")]
    steps = len(path["hops"])
    declared = {name for kind in trade for name in (kind.name, kind.inverse)}
    hidden = not {hop["kind"] for hop in path["hops"]} & declared
    weighty = path["contribution"] is not None and path["contribution"] >= WEIGHTY
    return steps * (1 + hidden + weighty) if steps <= 3 else 1
