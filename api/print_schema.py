"""Write `api/schema.graphql`: `python -m api.print_schema`."""

from pathlib import Path

from api.schema import make_schema
from graph.settings import Settings

FILE = Path(__file__).with_name("schema.graphql")


def main() -> None:
    """Print the schema to the committed file."""
    FILE.write_text(make_schema(Settings()).as_str() + "\n", "utf-8")


if __name__ == "__main__":
    main()
