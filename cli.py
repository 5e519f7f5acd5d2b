"""The command line: composes the stages. A command imports what it runs, so that help is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from commands import output
from graph.errors import HawserError

app = typer.Typer(
    name="hawser",
    help="A supply-chain knowledge graph for customs risk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder (otherwise HAWSER_HOME).", file_okay=False),
]


@app.callback()
def common(home: Home = None) -> None:
    """A supply-chain knowledge graph for customs risk."""
    if home is not None:
        os.environ["HAWSER_HOME"] = str(home)
    output.start_log()


@app.command()
def doctor(
    json: Json = False,
    start: Annotated[bool, typer.Option(help="Start the graph server and sign in.")] = False,
) -> None:
    """Print the settings in force and what is reachable."""
    from commands import doctor

    with output.working("doctor") as _:
        found = doctor.examine(output.settings(), start=start)
    output.emit(found, json=json, text=lambda: doctor.show(found))
    for check in found["checks"]:
        if check["state"] == "broken":
            raise HawserError(f"{check['name']}: {check['detail']}")


def main() -> None:
    """Run `hawser`; no traceback reaches the user."""
    try:
        app()
    except HawserError as error:
        sys.exit(output.refuse(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # the last place that can still turn it into one line
        sys.exit(output.fail(error))


if __name__ == "__main__":
    main()
