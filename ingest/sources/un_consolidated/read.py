"""The UN consolidated list, read entry by entry without document types, entities or network."""

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from lxml import etree

from graph.files import FileRejected
from graph.reference import country_names
from ingest.context import ROW, Context, RawTable, files_at
from ingest.identifiers import with_numbers

_KINDS = {"INDIVIDUAL": "person", "ENTITY": "enterprise"}
_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_REFERENCE = re.compile(r"\b[A-Z]{2,3}[ie]\.\d{3}\b")

Row = dict[str, object]


def read(context: Context) -> Iterator[RawTable]:
    """Yield the entries of each XML file."""
    for path in files_at(context.path, "*.xml"):
        rows = list(_entries(path, context.source.facts["list"]))
        if not rows:
            raise FileRejected(path, "holds no entry of the UN consolidated list")
        ids = {row["reference"]: row["entry_id"] for row in rows}
        for number, row in enumerate(rows, start=1):
            own = row.pop("reference")
            cited = [text for text in row.pop("cited") if text != own]  # type: ignore[attr-defined]
            row["linked_to"] = [str(ids.get(text, text)) for text in dict.fromkeys(cited)]
            row[ROW] = number
        frame = pl.DataFrame(
            rows, infer_schema_length=None, schema_overrides={"identifiers": pl.List(pl.String)}
        )
        numbered = frame.with_columns(with_numbers("identifiers"))
        yield RawTable("list_entries", context.name(path), numbered)


def _entries(path: Path, name: str) -> Iterator[Row]:
    """One row an entry; memory stays small, as elements are dropped once read.

    Raises `FileRejected` for broken XML and for a document type, which the list does not have and
    which could name files or blow up entities.
    """
    with path.open("rb") as file:
        parser = etree.iterparse(
            file, tag=tuple(_KINDS), resolve_entities=False, load_dtd=False, no_network=True
        )
        try:
            for _, element in parser:
                if element.getroottree().docinfo.doctype:
                    raise FileRejected(path, "has a document type, which the list never has")
                yield _entry(element, name)
                element.clear()
        except etree.XMLSyntaxError as error:
            raise FileRejected(path, f"is not well-formed XML ({error.msg})") from error


def _entry(element: etree._Element, name: str) -> Row:
    kind = str(element.tag)
    comments = element.findtext("COMMENTS1") or ""
    numbers = element.findall("INDIVIDUAL_DOCUMENT")
    return {
        "entry_id": f"un-{_text(element, 'DATAID')}",
        "reference": _text(element, "REFERENCE_NUMBER"),
        "list": name,
        "name": " ".join(filter(None, (_text(element, part) for part in _NAMES))),
        "aliases": _all(element, f"{kind}_ALIAS/ALIAS_NAME"),
        "kind": _KINDS[kind],
        "country": _country(element, kind),
        "identifiers": [
            text
            for document in numbers
            if (
                text := f"{_text(document, 'TYPE_OF_DOCUMENT')} {_text(document, 'NUMBER')}".strip()
            )
            and _text(document, "NUMBER")
        ],
        "listed_on": _text(element, "LISTED_ON")[:10] or None,
        "cited": _REFERENCE.findall(comments),
    }


def _text(element: etree._Element, path: str) -> str:
    return " ".join((element.findtext(path) or "").replace(";", ",").split())


def _all(element: etree._Element, path: str) -> list[str]:
    texts = (
        " ".join((each.text or "").replace(";", ",").split()) for each in element.findall(path)
    )
    return list(dict.fromkeys(text for text in texts if text))


def _country(element: etree._Element, kind: str) -> str | None:
    """The first nationality or address whose country is known by its English name."""
    names = _all(element, "NATIONALITY/VALUE") + _all(element, f"{kind}_ADDRESS/COUNTRY")
    known = country_names()
    return next((known[name.casefold()] for name in names if name.casefold() in known), None)
