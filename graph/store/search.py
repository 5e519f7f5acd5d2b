"""Finding a node by name or identifier: a Tantivy index beside the graph.

A name is found by its pairs of characters, which works for Chinese without a dictionary, and by its
words, one letter wrong allowed. What is found is then compared with the text asked for, so that the
score (0 to 1) and the reason say how alike they are, not how rare the words are. Traditional
characters are found by simplified ones and the other way round, and a Chinese name by its pinyin.

The index is built whole into a folder of its own and then swapped in, so that readers never see
half of one. One process builds at a time, and removes what killed ones have left. With d names,
building costs O(d); a search reads at most `CANDIDATES` of them.
"""

import re
import shutil
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import tantivy
from filelock import FileLock, Timeout
from rapidfuzz import fuzz

from graph import access
from graph.errors import HawserError
from graph.ontology import MARKINGS
from graph.settings import Settings
from graph.store import sounds
from graph.store.sounds import CJK

if TYPE_CHECKING:
    from graph.store.lake import Lake

#: Changes when an index made before no longer serves.
FORMAT = 2
#: Which properties of which kinds are names and which are identifiers.
NAMES = {
    "Enterprise": ("name", "name_en"),
    "Person": ("name",),
    "ListEntry": ("name",),
    "Port": ("name",),
}
IDENTIFIERS = {
    "Enterprise": ("id", "uscc", "customs_code"),
    "Person": ("id",),
    "ListEntry": ("id",),
    "Port": ("id",),
}
#: Most names compared with the text.
CANDIDATES = 200
#: Names less alike than this are no answer.
LEAST = 0.5
#: Seconds to wait for another process that is building.
PATIENCE = 30.0

_WORD = re.compile(r"[^\W_]+")
_BATCH = 20_000
#: Ends the field of a document that holds a name's sound.
_SOUND = ":sound"
_HEAP = 64_000_000
Progress = Callable[[str, float], None]


class SearchError(HawserError):
    """There is no name index, or it cannot be read."""


@dataclass(frozen=True)
class Hit:
    """A node that was found: `score` from 0 to 1, `reason` says what matched and how well."""

    id: str
    kind: str
    name: str | None
    score: float
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return asdict(self)


@dataclass(frozen=True)
class Hits:
    """The answer: the best first. `redacted` says that the index holds nodes that the reader may
    not see, whatever was asked for: a count would tell which names are among them."""

    results: list[Hit]
    redacted: bool


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Each traditional character's simplified one."""
    from opencc import OpenCC

    characters = [chr(code) for code in range(0x3400, 0xA000)]
    changed = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    return {ord(a): b for a, b in zip(characters, changed, strict=True) if a != b}


def normalise(text: str) -> str:
    """A name as it is compared: full-width forms, case, accents and traditional characters made
    one, everything but letters and digits a space."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if CJK.search(text):
        text = text.translate(_simplified())
    else:
        plain = unicodedata.normalize("NFD", text)
        text = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(_WORD.findall(text))


def _compact(text: str) -> str:
    """An identifier as it is compared: letters and digits only."""
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("id", "kind", "name", "text", "field"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw")
    for name in ("reach", "identifier"):
        builder.add_text_field(name, stored=name == "identifier", tokenizer_name="raw")
    builder.add_text_field("grams", tokenizer_name="grams")
    builder.add_text_field("words", tokenizer_name="words")
    return builder.build()


def _with_tokenizers(index: tantivy.Index) -> tantivy.Index:
    pairs = tantivy.Tokenizer.ngram(min_gram=2, max_gram=2, prefix_only=False)
    index.register_tokenizer("grams", tantivy.TextAnalyzerBuilder(pairs).build())
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    index.register_tokenizer("words", words.build())
    return index


def build(
    lake: "Lake",
    settings: Settings,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Build the index of all names in the lake and swap it in; the number of nodes by kind.

    Raises:
        SearchError: the folder cannot be written, or another process is building for long.
    """
    home = settings.search_folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "build.lock", timeout=PATIENCE):
            _clear(home)
            folder = home / uuid.uuid4().hex
            folder.mkdir()
            nodes = {kind: _nodes(lake, kind, as_of, known_at) for kind in NAMES}
            counts = _write(folder, nodes, progress or (lambda what, share: None))
            _swap(home, folder)
            _clear(home)
    except Timeout as error:
        raise SearchError(
            f"another process is building the name index in {home}",
            hint="wait until it has finished",
        ) from error
    except OSError as error:
        raise SearchError(
            f"the name index in {home} cannot be written: {error.strerror}"
        ) from error
    return counts


def _write(
    folder: Path, nodes: Mapping[str, Iterator[Iterator[tantivy.Document]]], progress: Progress
) -> dict[str, int]:
    """Write the documents of each kind's nodes into an index; how many nodes there are."""
    index = _with_tokenizers(tantivy.Index(_schema(), str(folder)))
    counts: dict[str, int] = {}
    writer = index.writer(heap_size=_HEAP, num_threads=1)
    for done, kind in enumerate(nodes):
        progress(f"names of {kind}", done / len(nodes))
        counts[kind] = 0
        for documents in nodes[kind]:
            counts[kind] += 1
            for document in documents:
                writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    return counts


def _current(home: Path) -> str:
    """The folder of the index in use, empty when there is none."""
    current = home / "current"
    return current.read_text("utf-8").strip() if current.exists() else ""


def _swap(home: Path, folder: Path) -> None:
    """Make the folder the index in use."""
    pointer = home / f".{folder.name}"
    pointer.write_text(folder.name, "utf-8")
    pointer.replace(home / "current")


def _clear(home: Path) -> None:
    """Remove every index but the one in use, and half-written pointers; only under the lock."""
    used = _current(home)
    for path in home.iterdir():
        if path.is_dir() and path.name != used:
            shutil.rmtree(path, ignore_errors=True)
        elif path.name.startswith("."):
            path.unlink(missing_ok=True)


def _nodes(
    lake: "Lake", kind: str, as_of: date | None, known_at: date | None
) -> Iterator[Iterator[tantivy.Document]]:
    """The documents of every node of the kind."""
    from graph.projection import node_table  # only building needs the tables' engine

    columns = dict.fromkeys(("id", *NAMES[kind], *IDENTIFIERS[kind], "marking", "markings"))
    table = node_table(lake, kind, as_of=as_of, known_at=known_at).select(*columns)
    aliases = _aliases(lake, as_of, known_at) if kind == "ListEntry" else {}
    for batch in table.to_pyarrow().to_batches(max_chunksize=_BATCH):
        lowest = access.lowest(batch.column("markings"))
        shown = access.lowest(batch.column("marking"))
        rows = [_Named.of(kind, row, aliases.get(row["id"], ())) for row in batch.to_pylist()]
        heard = sounds.sounds(text for row in rows for _, text in row.texts)
        for row, exists, seen in zip(rows, lowest, shown, strict=True):
            yield row.documents(str(max(int(exists), int(seen))), heard)


def _aliases(lake: "Lake", as_of: date | None, known_at: date | None) -> dict[str, list[str]]:
    table = lake.table("list_entries", as_of=as_of, known_at=known_at)
    rows: pa.Table = (
        table.filter(table["aliases"].notnull()).select("entry_id", "aliases").to_pyarrow()
    )
    return dict(zip(rows["entry_id"].to_pylist(), rows["aliases"].to_pylist(), strict=True))


@dataclass(frozen=True)
class _Named:
    """A node with its names: `texts` are pairs of the field and the name as it is compared."""

    kind: str
    id: str
    name: str
    codes: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, kind: str, row: Mapping[str, Any], aliases: Iterable[str]) -> "_Named":
        """A node from a row of its table."""
        named = [(field, row[field]) for field in NAMES[kind]]
        named += [("alias", name) for name in aliases]
        texts = ((field, normalise(name)) for field, name in named if name)
        codes = tuple(_compact(str(row[field])) for field in IDENTIFIERS[kind] if row[field])
        first = row[NAMES[kind][0]] or ""
        return cls(kind, row["id"], first, codes, tuple((f, text) for f, text in texts if text))

    def documents(self, reach: str, heard: Mapping[str, str]) -> Iterator[tantivy.Document]:
        """One of the identifiers, one of each name, and one of each name's sound."""
        base = {"id": [self.id], "kind": [self.kind], "name": [self.name], "reach": [reach]}
        yield tantivy.Document(**base, identifier=list(self.codes), field=["identifier"])
        for field, text in self.texts:
            grams = text.replace(" ", "")
            yield tantivy.Document(**base, field=[field], text=[text], grams=[grams], words=[text])
            if sound := heard.get(text):
                grams, words = sound.replace(" ", ""), sounds.words(sound)
                yield tantivy.Document(
                    **base, field=[f"{field}{_SOUND}"], text=[sound], grams=[grams], words=[words]
                )


class SearchIndex:
    """An open name index; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = _with_tokenizers(tantivy.Index.open(str(folder)))
        self._schema = self._index.schema
        self._searcher = self._index.searcher()

    def search(
        self,
        text: str,
        limit: int = 10,
        *,
        clearance: str = access.HIGHEST,
        kind: str | None = None,
    ) -> Hits:
        """The nodes whose name or identifier is most like the text, best first.

        At equal score enterprises come before persons, list entries and ports, then by id.
        """
        wanted = normalise(text)
        if not wanted:
            return Hits([], self._holds_above(clearance))
        found = self._ranked(text, wanted, clearance, kind)
        return Hits(found[:limit], self._holds_above(clearance))

    def _holds_above(self, clearance: str) -> bool:
        """Whether anything in the index is above the clearance."""
        above = range(access.level(clearance) + 1, len(MARKINGS))
        query = tantivy.Query.term_set_query(self._schema, "reach", [str(n) for n in above])
        return bool(self._searcher.search(query, 1).hits)

    def _ranked(self, text: str, wanted: str, clearance: str, kind: str | None) -> list[Hit]:
        reach = [str(n) for n in range(access.level(clearance) + 1)]
        query = self._query(text, wanted, reach, kind)
        best: dict[tuple[str, str], Hit] = {}
        for _, address in self._searcher.search(query, CANDIDATES).hits:
            hit = _compare(self._searcher.doc(address).to_dict(), text, wanted)
            known = best.get((hit.kind, hit.id))
            if hit.score >= LEAST and (known is None or hit.score > known.score):
                best[hit.kind, hit.id] = hit
        order = list(NAMES)
        return sorted(best.values(), key=lambda hit: (-hit.score, order.index(hit.kind), hit.id))

    def _query(self, text: str, wanted: str, reach: list[str], kind: str | None) -> tantivy.Query:
        any_of = [
            tantivy.Query.boost_query(
                tantivy.Query.term_query(self._schema, "identifier", _compact(text)), 100.0
            )
        ]
        texts = dict.fromkeys((wanted, sounds.typed(wanted)))
        compact = [text.replace(" ", "") for text in texts]
        pairs = {text[i : i + 2] for text in compact for i in range(len(text) - 1)}
        any_of += [tantivy.Query.term_query(self._schema, "grams", pair) for pair in sorted(pairs)]
        for word in sorted({word for text in texts for word in text.split()}):
            exact = tantivy.Query.term_query(self._schema, "words", word)
            any_of.append(tantivy.Query.boost_query(exact, 2.0))
            if len(word) > 3 and not CJK.search(word):
                any_of.append(tantivy.Query.fuzzy_term_query(self._schema, "words", word, 1, True))
        must = [
            tantivy.Query.boolean_query([(tantivy.Occur.Should, part) for part in any_of]),
            _free(tantivy.Query.term_set_query(self._schema, "reach", reach)),
        ]
        if kind is not None:
            must.append(_free(tantivy.Query.term_query(self._schema, "kind", kind)))
        return tantivy.Query.boolean_query([(tantivy.Occur.Must, part) for part in must])


def _free(query: tantivy.Query) -> tantivy.Query:
    """A condition that adds nothing to the score."""
    return tantivy.Query.const_score_query(query, 0.0)


def _compare(document: dict[str, list[Any]], text: str, wanted: str) -> Hit:
    """How alike the document's name and the text are, and why."""
    node, kind = document["id"][0], document["kind"][0]
    name = document["name"][0] or None
    field = document["field"][0]
    if field == "identifier":
        match = _compact(text) in document["identifier"]
        return Hit(node, kind, name, 1.0 if match else 0.0, "identifier is equal")
    found = document["text"][0]
    if field.endswith(_SOUND):
        score, how = sounds.likeness(found, wanted)
        label = field.removesuffix(_SOUND).replace("_", " ")
        return Hit(node, kind, name, score, f"{label} {how} ({found})")
    label = field.replace("_", " ")
    if found == wanted:
        return Hit(node, kind, name, 1.0 if field == "name" else 0.99, f"{label} is equal")
    whole = fuzz.ratio(found, wanted) / 100
    words = fuzz.token_sort_ratio(found, wanted) / 100
    inside = 1 < len(wanted) <= len(found)
    part = fuzz.partial_ratio(found, wanted) / 100 if inside else 0.0
    contained = 0.9 * part * min(1.0, 0.6 + 0.4 * len(wanted) / max(len(found), 1))
    score = round(0.98 * max(whole, words, contained), 4)
    how = "contains the text" if wanted in found else "is similar"
    return Hit(node, kind, name, score, f"{label} {how} ({found})")


def open_search(settings: Settings) -> SearchIndex:
    """Open the index in use.

    Raises:
        SearchError: none was built yet, or it is damaged.
    """
    home = settings.search_folder
    try:
        current = (home / "current").read_text("utf-8").strip()
        return SearchIndex(home / current)
    except OSError as error:
        raise SearchError(f"no name index in {home}", hint="run `hawser load`") from error
    except ValueError as error:
        raise SearchError(f"the name index in {home} is damaged", hint="run `hawser load`") from (
            error
        )
