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
        return "(above your clearance)"
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
        yield f"  • {cause['en']} {cause['zh']}{note}{day} ({cause['id']})"
        yield f"    [{document(cause)}]"
        for step in cause["ties"]:
            if step["evidence"] not in (None, cause["evidence"]):
                yield f"    └ {tie(step['kind'])} {step['to']} [{document(step)}]"
    if rest := path["cause_count"] - len(told):
        yield f"  • and {rest:,} more causes"
    if hidden := path["hidden_causes"]:
        yield f"  • and {hidden:,} that your clearance hides"


def path_lines(path: Row, names: Mapping[str, str] | None = None) -> Iterator[str]:
    """A path in words: who it starts from and why, then each step with its evidence."""
    if path["contribution"] is None:
        yield "a path that your clearance does not show whole:"
    else:
        yield f"{path['contribution']:.3f} of influence, because of:"
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
    say(f"{who}: influence {found['influence']:.3f}", "bold")
    say("Influence is not guilt: it can raise attention, it never lowers a class. 影响不等于过错")
    for path in found["paths"]:
        say("")
        for line in path_lines(path, names):
            say(line)
    say("")
    if not found["paths"]:
        say("No path from a penalised or listed party within reach.")
    if rest["count"]:
        say(f"{rest['count']:,} more parties: {rest['contribution']:.3f} of influence together")
    _limits(found, "paths")


def _limits(found: Row, what: str) -> None:
    """Print where a search ended, what it kept back and what it rests on."""
    if found["skipped_hubs"]:
        say(f"{found['skipped_hubs']} hubs were not walked through")
    if found["partial"]:
        say(f"The search reached its limit: there may be more {what}.")
    if hidden := sum(found["redacted"].values()):
        say(f"{hidden} parts are above the clearance and not shown")
    say(f"snapshot {found['snapshot']}, policy {found['policy']}", "dim")


def show_connections(found: Row, names: Mapping[str, str] | None = None) -> None:
    """Print how two parties are tied, in words, the closest connection first."""
    say(f"From {found['source']} to {found['target']}, as of {found['as_of']}", "bold")
    for path in found["paths"]:
        hops = path["hops"]
        steps = f"{len(hops)} steps" if len(hops) > 1 else "1 step"
        say(f"\n{steps}, reliability {path['reliability']:.3f}:")
        for line in hop_lines(hops, names):
            say(line)
    say("")
    if not found["paths"]:
        say("No connection within reach.")
    rest = found["count"] - len(found["paths"])
    if rest > 0:
        say(f"{rest:,} more connections (--limit)")
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
    say(f"Owners of {called(None, found['target'])}, as of {found['as_of']}", "bold")
    for owner in found["owners"]:
        ultimate = ", ultimate 最终" if owner["ultimate"] else ""
        who = called(owner["name"], owner["id"], names.get(owner["id"]))
        say(f"{who}: {owner['en']} {owner['zh']}{ultimate}")
        for chain in owner["chains"]:
            for line in chain_lines(chain):
                say(line, "dim")
        if rest := owner["chains_left_out"]:
            say(f"      and {rest:,} more chains", "dim")
    if not found["owners"]:
        say("No owner is known.")
    rest = found["count"] - len(found["owners"])
    if rest > 0:
        say(f"{rest:,} more owners with smaller shares (--json lists as many)")
    if found["circular"]:
        say("Some of them own each other.")
    if found["unknown_shares"]:
        say(f"{found['unknown_shares']} holdings have no stated share and were not counted")
    if found["partial"]:
        say("The search reached its limit: there may be more chains.")
    if hidden := sum(found["redacted"].values()):
        say(f"{hidden} parts are above the clearance and not shown")
    say(f"snapshot {found['snapshot']}", "dim")
