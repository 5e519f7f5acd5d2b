"""Grading every enterprise: the stage between features and scores and the ledger."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from grading.errors import GradingError
from grading.policy import DEFAULT, Policy, load_policy
from grading.scorecard import columns_of, score
from graph.errors import NotFound
from graph.settings import Settings
from graph.snapshot import Snapshot
from graph.store.ledger import GRADE_SCHEMA, GradingRun, Ledger, RuleSet

Progress = Callable[[str, float], None] | None


@dataclass(frozen=True)
class Scores:
    """What a model says of the enterprises: `enterprise_id`, `probability`; and which model."""

    model: str
    enterprises: pa.Table


@dataclass(frozen=True)
class GradingReport:
    """What a grading did, or with `dry_run` would do.

    `changed` counts the enterprises whose band is not the one they had (new ones included):
    `upgraded`, `downgraded` and `new`. `unchanged` is true when the ledger had this run already.
    `model` is None when no scores were at hand; `notes` says what the reader should know.
    """

    run: str
    policy: str
    snapshot: str
    counts: Mapping[str, int]
    changed: int
    upgraded: int
    downgraded: int
    new: int
    model: str | None
    as_of: date
    dry_run: bool
    unchanged: bool
    notes: tuple[str, ...]


def grade_table(policy: Policy, enterprises: pa.Table, scores: Scores | None, on: date) -> pa.Table:
    """Grade a feature table (`enterprise_id` and features): `GRADE_SCHEMA`, sorted by enterprise.

    The same table in another order, or graded again, gives the same bytes. `valid_from` is `on`.

    Raises:
        GradingError: a feature is missing from the table, or an enterprise stands in it twice.
    """
    return _graded(policy, _read(enterprises, scores), on)


def grade(
    settings: Settings,
    snapshot: Snapshot,
    *,
    dry_run: bool = False,
    as_of: date | None = None,
    policy_file: Path = DEFAULT,
    progress: Progress = None,
) -> GradingReport:
    """Grade every enterprise of a snapshot and keep the run in the ledger.

    The run's name is the hash of policy, snapshot, model, day and every feature and score that is
    read, so that the same inputs give the same grades under the same name, and grading again
    changes nothing: the report then tells what the ledger keeps. A dry run writes nothing.

    Raises:
        PolicyError: the policy is wrong.
        GradingError: the features lack a column, or `as_of` is not the snapshot's day.
        SnapshotError: the snapshot has no features yet.
    """
    _tell(progress, "reading features", 0.0)
    enterprises = _features(settings, snapshot)
    scores = _scores(settings, snapshot)
    _tell(progress, "grading", 0.2)
    report = grade_enterprises(
        settings, snapshot, enterprises, scores, dry_run=dry_run, as_of=as_of, file=policy_file
    )
    _tell(progress, "grading", 1.0)
    return report


def grade_enterprises(
    settings: Settings,
    snapshot: Snapshot,
    enterprises: pa.Table,
    scores: Scores | None,
    *,
    dry_run: bool = False,
    as_of: date | None = None,
    file: Path = DEFAULT,
) -> GradingReport:
    """`grade` on a feature table and scores that are at hand. Raises the same errors."""
    on = _day(snapshot, as_of)
    started = datetime.now(UTC)
    policy = load_policy(file, enterprises.column_names)
    frame = _read(enterprises, scores)
    run = _name(policy, snapshot, scores, on, frame)
    with Ledger(settings) as ledger:
        runs = ledger.runs()
        known = any(line.run == run for line in runs)
        grades = ledger.grades(run) if known else _graded(policy, frame, on)
        compared = _compared(policy, grades, _before(ledger, on, run, known))
        report = GradingReport(
            run=run, policy=policy.policy, snapshot=snapshot.id, **_changes(policy, compared),
            model=scores.model if scores else None, as_of=on, dry_run=dry_run, unchanged=known,
            notes=_notes(scores, run, _in_force(runs, on) if known else run),
        )  # fmt: skip
        if not dry_run and not known:
            kept = GradingRun(
                run, policy.policy, policy.hash, snapshot.id, report.model, on, snapshot.known_at,
                started, datetime.now(UTC), report.counts,
            )  # fmt: skip
            ledger.save_run(kept, _since(compared), _rules(policy, file))
    return report


def _day(snapshot: Snapshot, as_of: date | None) -> date:
    """The day the grades are of, the snapshot's: features say nothing of any other."""
    if as_of is not None and as_of < max(snapshot.as_of, snapshot.known_at):
        raise GradingError(
            f"the snapshot {snapshot.id} knows more than was known on {as_of}",
            hint=f"build one with hawser snapshot --as-of {as_of} --known-at {as_of}, and name it"
            " to hawser features and hawser grade with --snapshot",
        )
    if as_of is not None and as_of > snapshot.as_of:
        raise GradingError(
            f"the snapshot {snapshot.id} is of {snapshot.as_of} and says nothing of {as_of}",
            hint=f"build one with hawser snapshot --as-of {as_of} --known-at {as_of}, and name it"
            " to hawser features and hawser grade with --snapshot",
        )
    return snapshot.as_of


def _features(settings: Settings, snapshot: Snapshot) -> pa.Table:
    from graph.features.build import open_features

    return open_features(settings, snapshot.id).enterprises


def _scores(settings: Settings, snapshot: Snapshot) -> Scores | None:
    """The scores of the snapshot's enterprises, or None when nobody has scored them."""
    from graph.scores import open_scores

    try:
        found = open_scores(settings, snapshot.id)
    except NotFound:
        return None
    return Scores(found.model, found.enterprises)


def _read(enterprises: pa.Table, scores: Scores | None) -> pl.DataFrame:
    """The features sorted by enterprise, with `score.probability` (null where not scored)."""
    frame = pl.DataFrame(pl.from_arrow(enterprises)).sort("enterprise_id")
    if frame["enterprise_id"].is_duplicated().any():
        raise GradingError(
            "the enterprise features name an enterprise twice", hint="run hawser features again"
        )
    if scores is not None:
        probability = pl.DataFrame(pl.from_arrow(scores.enterprises)).select(
            "enterprise_id", pl.col("probability").cast(pl.Float64).alias("score.probability")
        )
        frame = frame.join(probability, on="enterprise_id", how="left", maintain_order="left")
    else:
        frame = frame.with_columns(pl.lit(None, pl.Float64).alias("score.probability"))
    return frame


def _graded(policy: Policy, frame: pl.DataFrame, on: date) -> pa.Table:
    """Grade what `_read` gives: `GRADE_SCHEMA`."""
    scored = score(policy, columns_of(policy, frame.to_arrow()))
    bands = np.array([band.band for band in policy.bands], dtype=object)
    columns = {
        "enterprise_id": frame["enterprise_id"].to_arrow(),
        "points": np.round(scored.points, 1),
        "band": bands[scored.band],
        "probability": frame["score.probability"].fill_nan(None).to_arrow(),
        "reasons": scored.reasons,
        "valid_from": pa.array([on] * frame.height, pa.date32()),
    }
    return pa.table(columns).cast(GRADE_SCHEMA)


def _name(
    policy: Policy, snapshot: Snapshot, scores: Scores | None, on: date, frame: pl.DataFrame
) -> str:
    """Hash of all that a grading rests on, with every value that is read of `frame`."""
    parts = (policy.hash, snapshot.id, scores.model if scores else "", on.isoformat())
    digest = hashlib.sha256("\n".join((*parts, *frame["enterprise_id"])).encode())
    for name in sorted({*policy.features, "score.probability"}):
        values = frame[name].cast(pl.Float64).fill_null(float("nan"))
        digest.update(f"\n{name}\n".encode() + values.to_numpy().tobytes())
    return digest.hexdigest()[:16]


def _before(ledger: Ledger, on: date, run: str, known: bool) -> pl.DataFrame:
    """The bands in force before this run (after it, when it is kept already)."""
    earlier = ledger.previous_run(on, run)
    name = run if known else earlier.run if earlier else ""
    return pl.DataFrame(pl.from_arrow(ledger.grades(name))).select(
        "enterprise_id",
        pl.col("band").alias("band_before"),
        pl.col("valid_from").alias("valid_before"),
    )


def _compared(policy: Policy, grades: pa.Table, before: pl.DataFrame) -> pl.DataFrame:
    """Each grade with the change from the one before: points of the band order, null when new."""
    order: dict[str | None, int] = {band.band: place for place, band in enumerate(policy.bands)}
    frame = pl.DataFrame(pl.from_arrow(grades)).join(
        before, on="enterprise_id", how="left", maintain_order="left"
    )
    # A band of an older policy that this one does not have compares with nothing.
    place, place_before = (
        pl.col(name).replace_strict(order, default=None, return_dtype=pl.Int64)
        for name in ("band", "band_before")
    )
    return frame.with_columns((place - place_before).alias("steps_down"))


def _changes(policy: Policy, compared: pl.DataFrame) -> dict[str, Any]:
    """The report's counts: enterprises of each band, the best first, and how many moved."""
    found = dict(compared["band"].value_counts().iter_rows())
    steps = compared["steps_down"]
    moves = {
        "upgraded": int((steps < 0).sum()),
        "downgraded": int((steps > 0).sum()),
        "new": steps.null_count(),
    }
    counts = {band.band: int(found.get(band.band, 0)) for band in policy.bands}
    return {"counts": counts, "changed": sum(moves.values()), **moves}


def _in_force(runs: list[GradingRun], on: date) -> str:
    """The run whose grades are in force among those of a day."""
    return next(line.run for line in runs if line.as_of == on)


def _notes(scores: Scores | None, run: str, in_force: str) -> tuple[str, ...]:
    notes = []
    if scores is None:
        notes.append("no scores of this snapshot: graded by the characteristics alone")
    if in_force != run:
        notes.append(f"the ledger has this run, but the run made after it, {in_force}, is in force")
    return tuple(notes)


def _since(compared: pl.DataFrame) -> pa.Table:
    """The grades, with the day since which the band has held."""
    held = pl.col("band") == pl.col("band_before")
    since = pl.when(held).then("valid_before").otherwise("valid_from").alias("valid_from")
    return compared.with_columns(since).select(GRADE_SCHEMA.names).to_arrow().cast(GRADE_SCHEMA)


def _rules(policy: Policy, file: Path) -> RuleSet:
    return RuleSet(policy.hash, policy.policy, file.read_text(encoding="utf-8"), policy.texts)


def _tell(progress: Progress, what: str, share: float) -> None:
    if progress is not None:
        progress(what, share)
