"""The command line: composes the stages. A command imports what it runs, so that help is quick."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from commands import output
from graph.errors import HawserError
from graph.settings import LAST_PORT, NEIGHBOURHOOD_LIMIT

app = typer.Typer(
    name="hawser",
    help="A supply-chain knowledge graph for customs risk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PREPARE, DERIVE, ASK, RUN = "Bring data in", "Derive", "Ask", "Run"


def _day(text: str) -> date:
    """A day as people are asked to write it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a day; write it as YYYY-MM-DD") from error


Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder (otherwise HAWSER_HOME).", file_okay=False),
]
AsOf = Annotated[
    date | None,
    typer.Option(
        parser=_day,
        metavar="DATE",
        help="Day on which it is true (the last recorded).",
    ),
]
KnownAt = Annotated[
    date | None,
    typer.Option(
        parser=_day,
        metavar="DATE",
        help="Day on which it was known (the last recorded).",
    ),
]
SnapshotId = Annotated[
    str | None,
    typer.Option("--snapshot", metavar="ID", help="Snapshot (the one in use)."),
]
Enterprise = Annotated[str, typer.Argument(metavar="ID", help="Enterprise, by its identifier.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]


@app.callback()
def common(home: Home = None) -> None:
    """A supply-chain knowledge graph for customs risk."""
    if home is not None:
        os.environ["HAWSER_HOME"] = str(home)
    output.start_log()


@app.command(rich_help_panel=RUN)
def demo(
    data: Annotated[
        str, typer.Option(help="world: a simulated one; korea: declarations.")
    ] = "world",
    enterprises: Annotated[int, typer.Option(min=100, help="Enterprises of the world.")] = 10_000,
    seed: Seed = 7,
    path: Annotated[
        Path | None, typer.Option(help="Folder of the declarations for --data korea.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a sample world, take it through every stage, and serve it."""
    from commands import demo

    demo.run(demo.Plan(data, enterprises, seed, path), json=json)


@app.command(rich_help_panel=PREPARE)
def world(
    folder: Annotated[Path, typer.Argument(help="Where tables/ and truth/ are written.")],
    enterprises: Annotated[int, typer.Option(min=100, help="Number of enterprises.")] = 10_000,
    shipments: Annotated[
        int | None, typer.Option(min=1, help="Number of shipments (by enterprises).")
    ] = None,
    seed: Seed = 7,
    format: Annotated[Literal["parquet", "csv"], typer.Option(help="Files.")] = "parquet",
    json: Json = False,
) -> None:
    """Write the canonical tables of a simulated world, and what is true in it apart."""
    from commands import stages

    with output.working("world") as report:
        wanted = stages.World(folder, enterprises, seed, shipments, format)
        made = stages.world(wanted, report)
    output.emit(made, json=json)


@app.command(rich_help_panel=PREPARE)
def ingest(
    source: Annotated[str, typer.Argument(help="Source; `tables` for canonical tables.")] = "",
    path: Annotated[Path | None, typer.Argument(help="File or folder to read.")] = None,
    recorded_at: Annotated[
        date | None,
        typer.Option(
            parser=_day,
            metavar="DATE",
            help="Day on which rows without any date became known (from the start).",
        ),
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the source.")
    ] = None,
    json: Json = False,
) -> None:
    """Read a source into the lake; without arguments, list the sources."""
    from commands import stages

    if not source or path is None:
        if source:
            raise typer.BadParameter("give the file or folder to read", param_hint="PATH")
        output.emit(stages.sources(), json=json)
        return
    with output.working(f"ingest {source}") as report:
        delivery = stages.Delivery(source, path, recorded_at, output.pairs(option or []))
        done = stages.ingest(output.settings(), delivery, report)
    output.emit(done, json=json)


@app.command(rich_help_panel=PREPARE)
def quarantine(
    retry: Annotated[bool, typer.Option("--retry", help="Read the rows again first.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Most rows to list.")] = None,
    json: Json = False,
) -> None:
    """List the rows that were refused: source, file, row, field, value and reason."""
    from commands import stages

    with output.working("quarantine") as report:
        listed = stages.quarantine(output.data(), retry=retry, limit=limit, progress=report)
    output.emit(listed, json=json, text=lambda: stages.show_quarantine(listed))


@app.command(rich_help_panel=PREPARE)
def resolve(json: Json = False) -> None:
    """Find records that speak of the same party, and keep the judgements in the ledger."""
    from commands import stages

    with output.working("resolve") as report:
        done = stages.resolve(output.data(), report)
    output.emit(done, json=json)


@app.command(rich_help_panel=PREPARE)
def load(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build the graph anew instead of what changed.")
    ] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    json: Json = False,
) -> None:
    """Bring the graph server up to date with the lake."""
    from commands import stages

    with output.working("load") as report:
        done = stages.load(output.data(), rebuild, as_of, known_at, report)
    output.emit(done, json=json)


@app.command(rich_help_panel=DERIVE)
def snapshot(as_of: AsOf = None, known_at: KnownAt = None, json: Json = False) -> None:
    """Freeze the graph as of a day and a knowledge time.

    Without either the snapshot is put in use: what is read where none is named.
    """
    from commands import stages

    with output.working("snapshot") as report:
        built = stages.snapshot(output.data(), as_of, known_at, report)
    output.emit(built, json=json)
    if built["in_use"] != built["id"]:
        output.note(
            f"Not put in use, as it is of a given day: {built['in_use']} still is."
            f" Name this one with --snapshot {built['id']}"
        )


@app.command(rich_help_panel=DERIVE)
def features(snapshot: SnapshotId = None, json: Json = False) -> None:
    """Compute the indicators of shipments and enterprises on a snapshot."""
    from commands import stages

    with output.working("features") as report:
        built = stages.features(output.data(), snapshot, report)
    output.emit(built, json=json)


@app.command(rich_help_panel=DERIVE)
def train(
    snapshot: SnapshotId = None,
    seed: Seed = 7,
    truth: Annotated[
        Path | None,
        typer.Option(help="Parquet with the truth of a simulated world.", exists=True),
    ] = None,
    json: Json = False,
) -> None:
    """Train the risk models on a snapshot and choose the champion."""
    from commands import stages
    from commands.comparison import show_comparison

    with output.working("train") as report:
        done = stages.train(output.data(), snapshot, seed, truth, report)
    output.emit(done, json=json, text=lambda: show_comparison(done, {}))


@app.command(rich_help_panel=DERIVE)
def score(
    snapshot: SnapshotId = None,
    model: Annotated[str | None, typer.Option(help="Model version (the latest).")] = None,
    input: Annotated[
        Path | None, typer.Option(help="Folder of canonical tables to score.", exists=True)
    ] = None,
    result: Annotated[
        Path | None, typer.Option("--output", help="CSV file to write.", dir_okay=False)
    ] = None,
    enterprises: Annotated[
        bool, typer.Option("--enterprises", help="Write enterprises, not shipments.")
    ] = False,
    json: Json = False,
) -> None:
    """Score every shipment and enterprise of a snapshot, or of the tables in a folder."""
    from commands import scoring

    if input is not None and result is None:
        raise typer.BadParameter("--input needs --output", param_hint="--output")
    wanted = scoring.Wanted(snapshot, model, input, result, enterprises)
    with output.working("score") as report:
        done = scoring.score(output.data(), wanted, report)
    output.emit(done, json=json)


@app.command(rich_help_panel=DERIVE)
def grade(
    snapshot: SnapshotId = None,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    json: Json = False,
) -> None:
    """Grade every enterprise and keep points, reasons and history in the ledger."""
    from commands import stages

    with output.working("grade") as report:
        done = stages.grade(output.data(), snapshot, as_of, dry_run, report)
    output.emit(done, json=json)


@app.command(rich_help_panel=RUN)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=LAST_PORT, help="Port; 0 takes a free one.")
    ] = None,
) -> None:
    """Serve the GraphQL API until interrupted."""
    from commands import serving

    serving.serve(output.data(), host, port)


@app.command(rich_help_panel=ASK)
def search(
    text: Annotated[str, typer.Argument(help="Name or identifier, in any script.")],
    kind: Annotated[str | None, typer.Option(help="Only this kind of node.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most results.")] = 10,
    json: Json = False,
) -> None:
    """Find enterprises, persons, ports and list entries by name."""
    from commands import explore

    with output.working("search") as report:
        found = explore.search(output.data(), text, kind=kind, limit=limit, progress=report)
    output.emit(found, json=json)


@app.command(rich_help_panel=ASK)
def portrait(
    id: Enterprise, as_of: AsOf = None, snapshot: SnapshotId = None, json: Json = False
) -> None:
    """All that is known of an enterprise, section by section."""
    from commands import explore, portrait_text

    with output.working("portrait") as _:
        found = explore.portrait(output.data(), id, as_of=as_of, snapshot=snapshot)
    output.emit(found, json=json, text=lambda: portrait_text.show_portrait(found))


@app.command(rich_help_panel=ASK)
def paths(
    id: Enterprise,
    limit: Annotated[int, typer.Option(min=1, help="Most paths.")] = 5,
    snapshot: SnapshotId = None,
    json: Json = False,
) -> None:
    """The paths along which risk reaches an enterprise, with their evidence."""
    from commands import explore, words

    with output.working("paths") as _:
        found = explore.paths(output.data(), id, limit=limit, snapshot=snapshot)
        names = {} if json else explore.english(output.data(), found)
    output.emit(found, json=json, text=lambda: words.show_paths(found, names))


@app.command(rich_help_panel=ASK)
def connections(
    source: Annotated[str, typer.Argument(metavar="A", help="One party, by its identifier.")],
    target: Annotated[str, typer.Argument(metavar="B", help="The other party.")],
    limit: Annotated[int, typer.Option(min=1, help="Most connections.")] = 5,
    snapshot: SnapshotId = None,
    json: Json = False,
) -> None:
    """How two parties are tied to each other, step by step, with the evidence."""
    from commands import explore, words

    with output.working("connections") as _:
        ends = (source, target)
        found = explore.connections(output.data(), ends, limit=limit, snapshot=snapshot)
        names = {} if json else explore.english(output.data(), found)
    output.emit(found, json=json, text=lambda: words.show_connections(found, names))


@app.command(rich_help_panel=ASK)
def owners(id: Enterprise, snapshot: SnapshotId = None, json: Json = False) -> None:
    """Who owns and controls an enterprise, directly and through others."""
    from commands import explore, words

    with output.working("owners") as _:
        found = explore.owners(output.data(), id, snapshot=snapshot)
        names = {} if json else explore.english(output.data(), found)
    output.emit(found, json=json, text=lambda: words.show_owners(found, names))


@app.command(rich_help_panel=ASK)
def query(
    name: Annotated[str, typer.Argument(help="Name of a query of the catalogue.")] = "",
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Its parameters.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a named query on the graph server; without a name, list the catalogue."""
    from commands import explore

    with output.working("query") as _:
        found = explore.query(output.settings(), name, parameters or [])
    output.emit(found, json=json, text=lambda: explore.show_query(found))


@app.command(rich_help_panel=ASK)
def screen(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet with names.", exists=True)],
    result: Annotated[Path, typer.Option("--output", help="CSV file to write.", dir_okay=False)],
    limit: Annotated[int, typer.Option(min=1, help="Most entries a name.")] = 5,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which it is a match (0.72).")
    ] = None,
    json: Json = False,
) -> None:
    """Compare names with all sanction and watch list entries of the lake."""
    from commands import screening

    with output.working("screen") as report:
        done = screening.screen(output.data(), file, result, limit, threshold, report)
    output.emit(done, json=json)


@app.command(rich_help_panel=ASK)
def export(
    folder: Annotated[Path, typer.Argument(help="Where the files are written.", file_okay=False)],
    format: Annotated[str, typer.Option(help="csv, parquet or graphml.")] = "parquet",
    around: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the neighbourhood of this node.")
    ] = None,
    hops: Annotated[int, typer.Option(min=1, max=4, help="Its radius.")] = 2,
    limit: Annotated[int, typer.Option(min=1, help="The most nodes of it.")] = NEIGHBOURHOOD_LIMIT,
    snapshot: SnapshotId = None,
    json: Json = False,
) -> None:
    """Write a snapshot's nodes and edges, with scores and grades, as files."""
    from commands import exporting

    wanted = exporting.Wanted(folder, format, around, hops, snapshot, limit)
    with output.working("export") as report:
        done = exporting.export(output.data(), wanted, report)
    output.emit(done, json=json, text=lambda: exporting.show(done))


@app.command(rich_help_panel=RUN)
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which benchmarks (all).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes.")] = False,
) -> None:
    """Print our figures beside those of peers, run side by side on this machine."""
    from commands import stages

    raise typer.Exit(stages.bench(names or [], quick))


@app.command(rich_help_panel=RUN)
def doctor(
    json: Json = False,
    start: Annotated[bool, typer.Option("--start", help="Start the graph and sign in.")] = False,
) -> None:
    """Print the settings in force and what is reachable."""
    from commands import doctor

    with output.working("doctor") as _:
        found = doctor.examine(output.settings(), start=start)
    output.emit(found, json=json, text=lambda: doctor.show(found))
    for check in found["checks"]:
        if check["state"] == "broken":
            raise HawserError(f"{check['name']}: {check['detail']}")


def run() -> int:
    """Run the command of `sys.argv`; no traceback reaches the user. Gives the exit status."""
    try:
        app()
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    except HawserError as error:
        return output.refuse(error)
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last place that can still turn it into one line
        return output.fail(error)
    return 0


def main() -> None:
    """Run `hawser` and end the process."""
    output.leave(run())


if __name__ == "__main__":
    main()
