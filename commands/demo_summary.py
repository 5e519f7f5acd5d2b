"""What the demo tells at its end: what was read, what it took, what came of it."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from commands import output
from commands.portrait_text import FEW, show_portrait
from commands.stages import BASELINES
from commands.words import called, path_lines, say

Row = Mapping[str, Any]

#: Cells of the longest bar.
BAR = 40

#: Order of the credit grades, with what they mean.
BANDS = ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C", "D")


def show(told: Row) -> None:
    """Print the summary of `commands.demo`."""
    _counts(told)
    _stages(told)
    _grades(told["grades"])
    _models(told["models"], told["left_out"])
    for what, why in told["left_out"].items():
        say(f"  no {what}: {why}", "dim")
    _title("Portrait of a risky importer / 高风险进口企业画像")
    show_portrait(told["portrait"], FEW)
    _path(told)
    _where(told)


def _title(text: str) -> None:
    say(f"\n── {text} " + "─" * 12, "bold cyan")


def _counts(told: Row) -> None:
    for name, title in (("nodes", "Nodes 节点"), ("edges", "Edges 关系")):
        counts = {kind: count for kind, count in told[name].items() if count}
        _title(f"{title}: {sum(counts.values()):,}")
        output.columns([f"{kind} {count:,}" for kind, count in counts.items()])
    if refused := sum(told["quarantined"].values()):
        say(f"  {refused:,} rows were refused: hawser quarantine")


def _stages(told: Row) -> None:
    _title(f"Stages 步骤: {told['seconds']:,.0f} s, {told['peak_mb']:,} MB at most")
    output.columns(
        [
            f"{row['stage']:<9}{row['seconds']:6.1f} s{row['peak_mb']:7,} MB"
            for row in told["stages"]
        ]
    )


def _grades(counts: Mapping[str, int]) -> None:
    _title("Credit grades 信用等级")
    most = max([*counts.values(), 1])
    for band in sorted(counts, key=lambda band: BANDS.index(band) if band in BANDS else 99):
        count = counts[band]
        bar = "█" * round(BAR * count / most) or ("▏" if count else "")
        say(f"  {band:<4}{count:>8,}  {bar}")


def _models(told: Row, left_out: Mapping[str, str]) -> None:
    _title("Violations among the riskiest 4 % of later shipments 风险最高的4%票中违规占比")
    say(f"  {told['judged']}", "dim")
    _precision(told["rows"], told["champion"])
    say(f"  {_why(told)}", "bold")
    if told["novel_rows"]:
        say(
            "\n  Only shipments with a product tuple never seen in training (a lookup cannot know):"
        )
        _precision(told["novel_rows"], told["champion"])
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


def _path(told: Row) -> None:
    paths = told["path"]["paths"]
    if not paths or "risk paths" in told["left_out"]:
        return
    who = called(told["portrait"]["enterprise"]["name"], told["enterprise"])
    _title("How risk reaches it 风险如何传到该企业")
    say(f"Influence on {who}: {told['path']['influence']:.3f} in all; one of its paths:")
    for line in path_lines(paths[0], told["names"]):
        say(line)
    say("Influence is not guilt: it can raise attention, it never lowers a class. 影响不等于过错")


def _where(told: Row) -> None:
    home = os.environ.get("HAWSER_HOME", "hawser-data")
    door = "hawser" if str(told["home"]).endswith(f"/{home}") else f"hawser --home {told['home']}"
    _title("Go on 继续")
    if "answer" in told:
        answer = told["answer"]["data"]["enterprise"]
        grade = (answer["grade"] or {}).get("band", "none")
        say(
            f"  {told['address']}/graphql was asked for {told['enterprise']} over HTTP:"
            f" {answer['enterprise']['name']}, grade {grade}"
        )
    else:
        say("  Open the address below in a browser, or from another terminal:")
    say(f"  {door} portrait {told['enterprise']}")
    if "risk paths" not in told["left_out"]:
        say(f"  {door} paths {told['enterprise']}")
    if "answer" in told:
        say(f"  {door} serve")
