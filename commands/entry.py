"""Where `hawser` begins: the rest is loaded here, so that Ctrl-C is quiet from the first moment."""

import os

#: Exit status of a command that was interrupted (128 + SIGINT).
INTERRUPTED = 130


def main() -> None:
    """Run `hawser` and end the process."""
    try:
        import cli

        cli.main()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
