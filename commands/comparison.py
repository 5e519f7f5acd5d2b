"""What training came to, for people: each model beside the others, and which one serves."""

from collections.abc import Iterable, Mapping
from typing import Any

from commands.stages import BASELINES
from commands.words import say

Row = Mapping[str, Any]

#: Violations in the test period below which a comparison says little.
FEW_VIOLATIONS = 30


def show_comparison(told: Row, left_out: Mapping[str, str]) -> None:
    """Print a training report, without the notes on what is `left_out`."""
    say(f"  {told['judged']}", "dim")
    _precision(told["rows"], told["champion"])
    say(f"  {_why(told)}", "bold")
    if told["novel_rows"]:
        say(
            "\n  Only shipments with a product tuple never seen in training (a lookup cannot know):"
        )
        _precision(told["novel_rows"], told["champion"])
    judged = told["split"]["violations"]["test"]
    if judged < FEW_VIOLATIONS:
        say(f"  Only {judged} violations to judge by: the intervals tell how little that says.")
    for note in told["notes"]:
        if not any(what in note for what in left_out):  # told below, with the reason
            say(f"  {note}", "dim")


def _why(told: Row) -> str:
    """Which model serves, and why: what it was chosen by, beside the next best."""
    merits = {row["model"]: row["validation"] for row in told["rows"]}
    champion = told["champion"]
    others = sorted((merits[name], name) for name in merits if name not in (champion, *BASELINES))
    beside = f", before {others[-1][1]} with {others[-1][0]:.3f}" if others else ""
    return (
        f"In service 在用: {champion}, chosen on the months before these shipments by average"
        f" precision, {merits[champion]:.3f}{beside}"
    )


def _precision(rows: Iterable[Row], champion: str) -> None:
    kept = list(rows)
    width = max(len(row["model"]) for row in kept) + 9
    say(f"  {'picked by':<{width}}{'share':>8}{'95 % interval':>20}{'times base':>12}{'AUC':>8}")
    for row in kept:
        ours = row["model"] == champion
        name = f"Hawser: {row['model']}" if ours else row["model"]
        span = f"{_share(row['low'])} to {_share(row['high'])}"
        say(
            f"  {name:<{width}}{_share(row['precision']):>8}{span:>20}"
            f"{_number(row['lift'], 1):>12}{_number(row['auc'], 3):>8}",
            "bold green" if ours else None,
        )


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
