"""What the demo tells at its end: what was read, what it took, what came of it."""

import os
from collections.abc import Mapping
from typing import Any

from commands import output
from commands.comparison import show_comparison
from commands.portrait_text import FEW, show_portrait
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
    _title("Violations among the riskiest 4 % of later shipments 风险最高的4%票中违规占比")
    show_comparison(told["models"], told["left_out"])
    for what, why in told["left_out"].items():
        say(f"  no {what}: {why}", "dim")
    _title("Portrait of an importer that risk reaches 关联风险波及的进口企业画像")
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
