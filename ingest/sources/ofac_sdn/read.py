"""The SDN list: entries, alternative names, addresses, and the links that remarks tell of."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from graph.files import FileRejected, Frame, read_csv
from graph.reference import country_names
from ingest.context import ROW, Context, RawTable, files_at
from ingest.identifiers import with_numbers

_ENTRY = (
    "ent_num name type program title call_sign vessel_type tonnage gross_tonnage flag owner remarks"
)
_ALTERNATIVE = "ent_num alt_num alt_type alt_name alt_remarks"
_ADDRESS = "ent_num add_num address city country add_remarks"

_KINDS = {"individual": "person", "vessel": "vessel", "aircraft": "aircraft"}

#: What a remark with an identifier begins with.
_IDENTIFIER = (
    r"^(Passport|Cedula No|National ID|C\.U\.R\.P|R\.F\.C|Registration (Number|ID)|Tax ID|"
    r"Vessel Registration Identification|Identification Number|MMSI|Company Number|D\.N\.I|"
    r"V\.A\.T|NIT|Commercial Registry|Business Registration|Trade License|C\.R\. No|"
    r"Aircraft (Tail Number|Manufacturer's Serial)|SWIFT|Chinese Commercial|Unified Social Credit|"
    r"UK Company|US FEIN|SSN|Folio Mercantil|Matricula Mercantil|RTN|RUC|RIF)"
)


def read(context: Context) -> Iterator[RawTable]:
    """Yield the entries. Raises `FileRejected` if the folder lacks one of the three files."""
    if context.path.is_file():
        raise FileRejected(context.path, "give the folder with sdn.csv, alt.csv and add.csv")
    path, frame = _table(context, "sdn", _ENTRY)
    _, alternatives = _table(context, "alt", _ALTERNATIVE)
    _, addresses = _table(context, "add", _ADDRESS)
    remarks = _remarks(frame.frame)
    entries = (
        frame.frame.with_columns(frame.rows.alias(ROW))
        .join(_aliases(alternatives.frame, remarks), on="ent_num", how="left")
        .join(_country(addresses.frame), on="ent_num", how="left")
        .join(_identifiers(remarks), on="ent_num", how="left")
        .join(_links(remarks, frame.frame), on="ent_num", how="left")
        .sort(ROW)
    )
    flag = _country_code("flag")
    chosen = entries.select(
        ROW,
        entry_id=pl.lit("ofac-") + pl.col("ent_num"),
        list=pl.lit(context.source.facts["list"]),
        name="name",
        aliases="aliases",
        kind=pl.col("type").replace_strict(_KINDS, default="enterprise"),
        country=pl.coalesce("country", flag),
        identifiers=with_numbers("identifiers"),
        linked_to="linked_to",
    )
    yield RawTable("list_entries", context.name(path), chosen, frame.broken)


def _table(context: Context, name: str, columns: str) -> tuple[Path, Frame]:
    """One of the three files: without header, `-0-` for nothing, ending in a control-Z."""
    path = files_at(context.path, f"*{name}.csv")[0]
    content = path.read_bytes().rstrip(b"\x1a\r\n") + b"\n"
    frame = read_csv(content, path, header=tuple(columns.split()))
    text = pl.all().str.strip_chars()
    cleaned = frame.frame.select(pl.when(text != "-0-").then(text).name.keep())
    return path, Frame(frame.rows, cleaned, frame.broken)


def _remarks(entries: pl.DataFrame) -> pl.DataFrame:
    """Every statement of the remarks in a row of its own."""
    return (
        entries.select("ent_num", remark=pl.col("remarks").str.split(";"))
        .explode("remark")
        .with_columns(pl.col("remark").str.strip_chars().str.strip_suffix("."))
        .filter(pl.col("remark") != "")
    )


def _aliases(alternatives: pl.DataFrame, remarks: pl.DataFrame) -> pl.DataFrame:
    named = alternatives.select("ent_num", alias="alt_name")
    told = remarks.select(
        "ent_num", alias=pl.col("remark").str.extract(r"^[afn]\.k\.a\. '(.+)'$")
    ).drop_nulls()
    return _listed(pl.concat([named, told]), "alias", "aliases")


def _identifiers(remarks: pl.DataFrame) -> pl.DataFrame:
    found = remarks.filter(pl.col("remark").str.contains(_IDENTIFIER))
    return _listed(found, "remark", "identifiers")


def _links(remarks: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Entries named after "Linked To:"; a name that several entries have stays a name."""
    told = remarks.select(
        "ent_num", name=pl.col("remark").str.extract(r"^Linked To: (.+)$")
    ).drop_nulls()
    bare = pl.col("name").str.to_uppercase().str.strip_suffix(".")
    known = (
        entries.select("ent_num", key=bare)
        .group_by("key")
        .agg(pl.col("ent_num").first(), pl.len())
        .filter(pl.col("len") == 1)
        .select("key", entry=pl.lit("ofac-") + pl.col("ent_num"))
    )
    joined = told.with_columns(key=bare).join(known, on="key", how="left", maintain_order="left")
    return _listed(joined.select("ent_num", link=pl.coalesce("entry", "name")), "link", "linked_to")


def _country(addresses: pl.DataFrame) -> pl.DataFrame:
    """The country of an entry's first address that has one."""
    return (
        addresses.select("ent_num", country=_country_code("country"))
        .drop_nulls()
        .unique("ent_num", keep="first", maintain_order=True)
    )


def _country_code(column: str) -> pl.Expr:
    return (
        pl.col(column)
        .str.to_lowercase()
        .replace_strict(dict(country_names()), default=None, return_dtype=pl.String)
    )


def _listed(rows: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Values of an entry in one list, each once."""
    text = pl.col(column).str.replace_all(";", ",", literal=True)
    return rows.group_by("ent_num", maintain_order=True).agg(
        text.unique(maintain_order=True).alias(name)
    )
