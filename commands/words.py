"""Answers in words: who is meant, which tie, since when, and which document says so."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from commands import output
from graph.ontology import EDGE_KINDS
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.snapshot import Snapshot

Row = Mapping[str, Any]

#: Causes of one party that are told; the others are counted.
CAUSES = 10

#: The smallest part of an enterprise without a stated holder that is mentioned.
MENTIONED = 0.0005

#: Said of a finding against nobody known, which counts for the parties of the shipment.
UNNAMED = (
    " (the finding names no known enterprise: importer and exporter count)"
    "（查验结果未指明已知企业：计入进口商和出口商）"
)


def say(text: str, style: str | None = None) -> None:
    """Print one line of an answer, folded between words, the rest indented."""
    console = output.answer()
    body = text.strip()
    start = text[: len(text) - len(text.lstrip())]
    indent = start.lstrip("\n")
    width = min(console.width, output.WIDTH)
    parts = Text(body).wrap(console, width - len(indent) - 2) if body else [body]
    lines = [f"{indent}{'  ' if number else ''}{part}" for number, part in enumerate(parts)]
    whole = "\n" * start.count("\n") + "\n".join(line.rstrip() for line in lines)
    console.print(whole, style=style, markup=False, soft_wrap=True)


def with_documents(settings: Settings, answer: Row) -> dict[str, Any]:
    """Paths or owners whose steps also have a `document`: table, source, file, row and batch."""
    from graph.store.lake import Lake
    from queries.evidence import attach

    with Lake(settings) as lake:
        return attach(lake, dict(answer), settings.clearance)


def english(snapshot: "Snapshot", ids: Iterable[str], clearance: str) -> dict[str, str]:
    """The English names of those enterprises that have one which the clearance reaches, by id."""
    from graph import access
    from graph.algorithms.network import node_markings

    wanted = sorted(set(ids))
    numbers = snapshot.locate("Enterprise", wanted)
    shown = access.visible_mask(node_markings(snapshot, "marking"), clearance)
    pairs = zip(wanted, numbers, strict=True)
    found = [(id, number) for id, number in pairs if number >= 0 and shown[number]]
    if not found:
        return {}
    first = snapshot.range("Enterprise")[0]
    names = snapshot.nodes("Enterprise")["name_en"].take([number - first for _, number in found])
    told = zip((id for id, _ in found), names.to_pylist(), strict=True)
    return {id: name for id, name in told if name}


def called(name: str | None, id: str | None, other: str | None = None) -> str:
    """A party with its names and id."""
    if id is None:
        return "(above your clearance 超出您的密级)"
    names = "  ".join(text for text in (name, other if other != name else None) if text)
    return f"{names} ({id})" if names else id


def tie(kind: str) -> str:
    """An edge kind or its inverse in words, with its Chinese name."""
    for one in EDGE_KINDS.values():
        if kind in (one.name, one.inverse):
            forward = kind == one.name
            chinese = one.chinese if forward else one.chinese_inverse
            english = one.english[not forward] if one.english else kind.replace("_", " ").lower()
            return f"{english} {chinese}".strip()
    return kind


def period(row: Row) -> str:
    """Since when, and until when if it ended."""
    since = f", since {row['valid_from']}" if row.get("valid_from") else ""
    until = f" until {row['valid_to']}" if row.get("valid_to") else ""
    return since + until


def ended(on: str | None, by: str | None = None) -> str | None:
    """That a credit event has ended, or is to end after the day `by`; None if it has no end."""
    if not on:
        return None
    on = str(on)
    if by and on > str(by):
        return f"to end {on} 将于{on}结束"
    return f"ended {on} 已于{on}结束"


def document(hop: Row) -> str:
    """Where a step is written: file, row and record."""
    if not hop.get("evidence"):
        return ""
    paper = hop.get("document")
    place = f"{paper['file']} row {paper['row']:,} of {paper['source']}, " if paper else ""
    return f"{place}record {hop['evidence']}"


def cause_lines(path: Row) -> Iterator[str]:
    """Why the start of a path counts, most severe first, each cause with its day and document."""
    told = path["causes"][:CAUSES]
    for cause in told:
        day = f", {cause['day']}" if cause["day"] else ""
        note = "" if cause["named"] else UNNAMED
        over = ended(cause.get("ended_on"))
        state = f", {over}" if over else ""
        yield f"  • {cause['en']} {cause['zh']}{note}{day}{state} ({cause['id']})"
        yield f"    [{document(cause)}]"
        for step in cause["ties"]:
            if step["evidence"] not in (None, cause["evidence"]):
                yield f"    └ {tie(step['kind'])} {step['to']} [{document(step)}]"
    if rest := path["cause_count"] - len(told):
        yield f"  • and {rest:,} more causes 另有{rest:,}项原因"
    if hidden := path["hidden_causes"]:
        yield f"  • and {hidden:,} that your clearance hides 另有{hidden:,}项超出您的密级"


def path_lines(path: Row, names: Mapping[str, str] | None = None) -> Iterator[str]:
    """A path in words: who it starts from and why, then each step with its evidence."""
    if path["contribution"] is None:
        yield "a path that your clearance does not show whole 您的密级不能查看全部的路径:"
    else:
        yield f"{path['contribution']:.3f} of influence 影响, because of 原因:"
        yield from cause_lines(path)
    yield from hop_lines(path["hops"], names)


def hop_lines(hops: Iterable[Row], names: Mapping[str, str] | None = None) -> Iterator[str]:
    """Steps in words: each party, the tie to the next, since when, and the document."""
    names = names or {}

    def who(name: str | None, id: str | None) -> str:
        # Ids made from a text (addresses, telephone numbers) say nothing to a reader.
        own = name if name and id and len(id) == 16 and id.isalnum() and id.islower() else None
        return own or called(name, id, names.get(id or ""))

    for number, hop in enumerate(hops):
        if not number:
            yield f"  {who(hop['from_name'], hop['from'])}"
        yield f"   └ {tie(hop['kind'])}{period(hop)}"
        if text := document(hop):
            yield f"     [{text}]"
        yield f"  {who(hop['to_name'], hop['to'])}"


def show_paths(found: Row, names: Mapping[str, str] | None = None) -> None:
    """Print risk paths in words."""
    rest, id = found["remainder"], found["target"]
    steps = [path["hops"][-1] for path in found["paths"] if path["hops"]]
    name = next((hop["to_name"] for hop in steps if hop["to"] == id), None)
    who = called(name, id, (names or {}).get(id))
    say(f"{who}: influence 关联影响 {found['influence']:.3f}", "bold")
    say("Influence is not guilt: it can raise attention, it never lowers a class. 影响不等于过错")
    for path in found["paths"]:
        say("")
        for line in path_lines(path, names):
            say(line)
    say("")
    if not found["paths"]:
        say(
            "No path from a penalised or listed party within reach."
            " 未发现来自受处罚或列名方的路径。"
        )
    if rest["count"]:
        together = f"{rest['contribution']:.3f}"
        say(
            f"{rest['count']:,} more parties: {together} of influence together"
            f" 另有{rest['count']:,}方，影响合计{together}"
        )
    _limits(found, "paths")


def _limits(found: Row, what: str) -> None:
    """Print where a search ended, what it kept back and what it rests on."""
    if found["skipped_hubs"]:
        hubs = found["skipped_hubs"]
        say(f"{hubs} hubs were not walked through 有{hubs}个枢纽节点未展开")
    if found["partial"]:
        say(f"The search reached its limit: there may be more {what}. 搜索已达上限，结果可能不全。")
    if hidden := sum(found["redacted"].values()):
        say(f"{hidden} parts are above the clearance and not shown 有{hidden}处超出密级未显示")
    say(f"snapshot {found['snapshot']}, policy {found['policy']}", "dim")


def show_connections(found: Row, names: Mapping[str, str] | None = None) -> None:
    """Print how two parties are tied, in words, the closest connection first."""
    say(f"From {found['source']} to {found['target']}, as of {found['as_of']}", "bold")
    for path in found["paths"]:
        hops = path["hops"]
        steps = f"{len(hops)} steps {len(hops)}步" if len(hops) > 1 else "1 step 1步"
        say(f"\n{steps}, reliability 可靠度 {path['reliability']:.3f}:")
        for line in hop_lines(hops, names):
            say(line)
    say("")
    if not found["paths"]:
        say("No connection within reach. 范围内无关联。")
    rest = found["count"] - len(found["paths"])
    if rest > 0:
        say(f"{rest:,} more connections (--limit) 另有{rest:,}条关联")
    _limits(found, "connections")


def chain_lines(chain: Row) -> Iterator[str]:
    """A chain of an owner in words: its steps down, and what several holdings come to."""
    for number, hop in enumerate(chain["hops"]):
        target = called(hop["to_name"], hop["to"])
        start = "    • " if not number else "      └ "
        yield f"{start}{tie(hop['kind'])} {target}{period(hop)} [{document(hop)}]"
    if chain["share"] is not None and len(chain["hops"]) > 1:
        yield f"      together 合计 {chain['share']:.1%}"


def show_owners(found: Row, names: Mapping[str, str] | None = None) -> None:
    """Print owners, each with its chains of holdings and of control in words."""
    names = names or {}
    say(f"Owners 所有者 of {called(None, found['target'])}, as of {found['as_of']}", "bold")
    for owner in found["owners"]:
        ultimate = ", ultimate 最终" if owner["ultimate"] else ""
        who = called(owner["name"], owner["id"], names.get(owner["id"]))
        say(f"{who}: {owner['en']} {owner['zh']}{ultimate}")
        for chain in owner["chains"]:
            for line in chain_lines(chain):
                say(line, "dim")
        if rest := owner["chains_left_out"]:
            say(f"      and {rest:,} more chains 另有{rest:,}条链", "dim")
    if not found["owners"]:
        say("No owner is known. 所有者不明。")
    rest = found["count"] - len(found["owners"])
    if rest > 0:
        say(
            f"{rest:,} more owners with smaller shares (--json lists as many)"
            f" 另有{rest:,}名持股较少者"
        )
    if found["owners"] and found["unaccounted"] >= MENTIONED:
        rest_of_it = f"{found['unaccounted']:.1%}"
        say(f"No stated holding covers {rest_of_it} of it. 其余{rest_of_it}股权无申报持有人。")
    if found["circular"]:
        say("Some of them own each other. 其中存在交叉持股。")
    if found["unknown_shares"]:
        unknown = found["unknown_shares"]
        what = "1 holding has" if unknown == 1 else f"{unknown:,} holdings have"
        only = "was" if unknown == 1 else "were"
        say(f"{what} no stated share and {only} not counted 有{unknown}项持股未申报比例，未计入")
    if found["partial"]:
        say("The search reached its limit: there may be more chains. 搜索已达上限，结果可能不全。")
    if hidden := sum(found["redacted"].values()):
        say(f"{hidden} parts are above the clearance and not shown 有{hidden}处超出密级未显示")
    say(f"snapshot {found['snapshot']}", "dim")
