"""Screening: which list entries may a name be?

Unlike `compare`, which weighs all that is known of two parties, a query here is a bare name in any
script. Candidates are the list names that share most letter sequences with it (TF-IDF of character
bigrams and trigrams); each is then scored word by word: words are paired greedily by similarity,
and the score is the share of letters that agree, a letter that both names have otherwise (another
family name) costing much more than one that only one of them has (a middle name).

Nobody agrees where the words of a Chinese name in pinyin begin, nor how ü is written. A name in
Chinese characters is therefore also compared with names in letters as it may be written: the given
name or the whole name as one word, ü as u.

Distinct names are compared, some hundreds at a time, and all their words at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from rapidfuzz.distance import Indel
from rapidfuzz.process import cpdist
from sklearn.feature_extraction.text import TfidfVectorizer

from graph.store.sounds import WRITTEN, pinyin
from ingest.resolve.names import words

Progress = Callable[[str, float], None]

_HAN = r"[\u{3400}-\u{9fff}]"
#: Most names asked at once, and most pairs of them and listed names: what is held in memory.
_CHUNK, _PAIRS = 500, 20_000_000

#: Columns of the answer.
COLUMNS = {
    "query": pl.String, "rank": pl.UInt32, "entry_id": pl.String, "list": pl.String,
    "name": pl.String, "score": pl.Float64, "match": pl.Boolean, "reason": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Scoring:
    """The numbers of `screen.yml`."""

    word: float
    initial: float
    extra: float
    other: float
    whole: float
    candidates: int
    threshold: float
    families: tuple[str, ...]
    letters: tuple[tuple[str, str], ...]


@cache
def scoring() -> Scoring:
    """The numbers, read once."""
    content = yaml.safe_load((Path(__file__).parent / "screen.yml").read_text(encoding="utf-8"))
    many = {"families": tuple(content["families"]), "letters": tuple(content["letters"].items())}
    return Scoring(**content | many)


def screen(
    queries: pl.Series,
    entries: pl.DataFrame,
    *,
    limit: int,
    threshold: float | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """The best entries of each query, with the columns `COLUMNS`, in the order of the queries.

    `entries` has `entry_id`, `list` and `name`, one row a name or alias. `match` is true from
    `threshold` on. O(q * n) sparse products and O(q * candidates) comparisons for q distinct
    queries and n distinct names.
    """
    tell = progress or (lambda what, share: None)
    bound = scoring().threshold if threshold is None else threshold
    asked = pl.DataFrame({"query": queries.fill_null("")})
    forms = latin(pl.concat([asked["query"], entries["name"]]))
    parts = [
        part
        for comparison in _comparisons(forms)
        for part in _compared(comparison, asked.unique(), entries, limit, tell)
    ]
    if not parts:
        return pl.DataFrame(schema=COLUMNS)
    lines = asked.with_row_index("line").join(_best(pl.concat(parts), "query", limit), on="query")
    lines = lines.sort("line", "rank").with_columns(match=pl.col("score") >= bound)
    return lines.select(*COLUMNS)


@dataclass(frozen=True)
class _Comparison:
    """Forms of the names asked and listed (`name`, `form`) that are compared with each other.

    On the `spelled` side are names in Chinese characters as they may be written.
    """

    what: str
    asked: pl.DataFrame
    listed: pl.DataFrame
    spelled: str | None = None


def _comparisons(forms: pl.DataFrame) -> list[_Comparison]:
    """All forms with all, and names in Chinese characters with names in letters by their sound."""
    chinese = pl.col("name").str.normalize("NFKD").str.contains(_HAN)
    heard = forms.filter(pl.col("form") != "")
    for pattern, plain in WRITTEN:
        heard = heard.with_columns(pl.col("form").str.replace_all(pattern, plain))
    letters, written = heard.filter(~chinese), spellings(heard.filter(chinese))
    what = "comparing names by their sound"
    return [
        _Comparison("comparing names", forms, forms),
        _Comparison(what, letters, written, "two"),
        _Comparison(what, written, letters, "one"),
    ]


def spellings(syllables: pl.DataFrame) -> pl.DataFrame:
    """The forms (`name`, `form`) in which names of syllables may be written: `name`, `form`.

    A person's name has up to four syllables, the first the family name, or the first two where
    they are one of `families`; longer names are written in words of two. O(total length).
    """
    parts = pl.col("form").str.split(" ")
    short = parts.list.len() <= 4
    double = parts.list.head(2).list.join("").is_in(scoring().families)

    def cut(at: int) -> pl.Expr:
        """The first syllables as one word, the others as another."""
        two = (parts.list.head(at).list.join(""), parts.list.slice(at).list.join(""))
        return pl.concat_str(*two, separator=" ").str.strip_chars()

    pairs = pl.col("form").str.replace_all(r"(\S+) (\S+)", "$1$2")
    whole = pl.col("form").str.replace_all(" ", "")
    given = pl.when(short).then(cut(1)).otherwise(pairs)
    made = (pl.col("form"), given, pl.when(short & double).then(cut(2)), whole)
    every = [syllables.select("name", form=form) for form in made]
    return pl.concat(every).drop_nulls().unique().sort("name", "form")


def _compared(
    comparison: _Comparison,
    asked: pl.DataFrame,
    entries: pl.DataFrame,
    limit: int,
    tell: Progress,
) -> Iterator[pl.DataFrame]:
    """The best entries of each query by one comparison, a chunk at a time."""
    wanted = asked.join(comparison.asked, left_on="query", right_on="name")
    listed = entries.join(comparison.listed, on="name")
    left, right = _numbered(wanted["form"]), _numbered(listed["form"])

    def told(share: float) -> None:
        tell(comparison.what, share)

    for pairs in _candidates(left, right, told):
        found = _ranked(pairs, left, right, listed, limit, comparison.spelled)
        yield found.join(wanted, on="form").drop("form")


def _best(found: pl.DataFrame, of: str, limit: int) -> pl.DataFrame:
    """The best entries of each, and of each entry its best name: with their `rank`."""
    order = found.sort(of, "score", "entry_id", "name", descending=[False, True, False, False])
    order = order.unique([of, "entry_id"], keep="first", maintain_order=True)
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over(of)
    return order.with_columns(rank=rank).filter(pl.col("rank") <= limit)


def latin(names: pl.Series) -> pl.DataFrame:
    """The distinct names, each with its `form`: its words in lower-case Latin letters, without
    marks and legal forms. O(total length)."""
    folded = pl.col("name").str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    folded = folded.str.replace_all(r"['’`.]", "").str.replace_all(r"\s+", " ")
    folded = folded.str.replace_many(dict(scoring().letters))
    frame = pl.DataFrame({"name": names.drop_nulls().unique().sort()}).with_columns(folded=folded)
    frame = frame.with_columns(han=pl.col("folded").str.contains(_HAN))
    chinese = frame.filter("han")
    chinese = chinese.with_columns(folded=pl.Series(pinyin(chinese["folded"]), dtype=pl.String))
    frame = pl.concat([frame.filter(~pl.col("han")), chinese]).sort("name")
    spaced = pl.col("folded").str.replace_all(r"[\W_]+", " ").str.strip_chars()
    told = (
        pl.when(spaced != "").then(spaced.str.split(" ")).otherwise(pl.lit([], pl.List(pl.String)))
    )
    kept = told.list.filter(~pl.element().is_in(words().forms_latin))
    form = pl.when(kept.list.len() > 0).then(kept).otherwise(told).list.join(" ")
    return frame.select("name", form=form)


def _numbered(forms: pl.Series) -> pl.DataFrame:
    """The distinct forms that have a word: `id`, `form`."""
    distinct = forms.unique().sort()
    return pl.DataFrame({"form": distinct.filter(distinct != "")}).with_row_index("id")


def _candidates(
    left: pl.DataFrame, right: pl.DataFrame, tell: Callable[[float], None]
) -> Iterator[pl.DataFrame]:
    """The forms on the right that each form on the left is compared with, a chunk at a time:
    `pair`, `left`, `right`."""
    if not left.height or not right.height:
        return
    vectors = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 3), sublinear_tf=True, dtype=np.float32
    )
    known = vectors.fit_transform(right["form"].to_list()).T.tocsr()
    asked = vectors.transform(left["form"].to_list()).tocsr()
    chunk = min(_CHUNK, _PAIRS // right.height + 1)
    for start in range(0, left.height, chunk):
        tell(start / left.height)
        row, column = _nearest((asked[start : start + chunk] @ known).toarray())
        pairs = pl.DataFrame({"left": row + start, "right": column}).cast(pl.UInt32)
        yield pairs.with_row_index("pair")


def _nearest(
    near: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    """Rows and columns of the highest values above 0 of each row, at most as many as there are
    candidates; among equal ones the first. O(size)."""
    most = min(scoring().candidates, near.shape[1])
    least = np.partition(near, near.shape[1] - most, axis=1)[:, near.shape[1] - most]
    row, column = np.nonzero((near >= least[:, None]) & (near > 0))
    order = np.lexsort((column, -near[row, column], row))
    row, column = row[order], column[order]
    place = np.arange(row.size) - np.searchsorted(row, row, "left")
    return row[place < most], column[place < most]


def _ranked(
    pairs: pl.DataFrame,
    left: pl.DataFrame,
    right: pl.DataFrame,
    listed: pl.DataFrame,
    limit: int,
    spelled: str | None,
) -> pl.DataFrame:
    """The best entries of each form on the left, each with its best name, score and reason.

    Where the name on the `spelled` side was made one word, what is little alike is no answer.
    """
    pairs = pairs.join(left.rename({"id": "left", "form": "one"}), on="left")
    pairs = pairs.join(right.rename({"id": "right", "form": "two"}), on="right")
    agreed = agreements(pairs)
    named = agreed.scores.join(pairs.select("pair", "one", "two"), on="pair")
    if spelled is not None:
        several = pl.col(spelled).str.contains(" ")
        named = named.filter(several | (pl.col("score") >= scoring().whole))
    best = _best(named.join(listed, left_on="two", right_on="form"), "one", limit)
    return best.join(agreed.reasons(best["pair"]), on="pair").select(
        "entry_id", "list", "name", "score", "reason", form="one"
    )


@dataclass(frozen=True)
class Agreements:
    """How pairs of forms agree.

    `scores` has `pair` and `score`, above 0 and up to 1; `agreed` the words that were paired:
    `pair`, `turn`, `a`, `a_at`, `b`, `b_at`, `like`; `left` and `right` all words: `pair`, `word`,
    `at`.
    """

    scores: pl.DataFrame
    agreed: pl.DataFrame
    left: pl.DataFrame
    right: pl.DataFrame

    def reasons(self, wanted: pl.Series) -> pl.DataFrame:
        """The agreement of some pairs in words: `pair`, `reason`."""
        of = pl.DataFrame({"pair": wanted.unique()})
        agreed = self.agreed.join(of, on="pair", how="semi").sort("pair", "turn")
        same, like = (agreed.filter(test) for test in (_EQUAL, ~_EQUAL))
        alike = pl.concat_str("a", pl.lit(" ~ "), "b")
        parts = [
            _told(0, "same", same.select("pair", word="a")),
            _told(1, "alike", like.select("pair", word=alike)),
            _told(2, "only asked", _over(self.left, of, agreed, "a_at")),
            _told(3, "only listed", _over(self.right, of, agreed, "b_at")),
        ]
        whole = pl.concat(parts).sort("pair", "part").group_by("pair", maintain_order=True)
        return whole.agg(reason=pl.col("text").str.join("; "))


_EQUAL = pl.col("a") == pl.col("b")


def _told(part: int, label: str, found: pl.DataFrame) -> pl.DataFrame:
    told = found.group_by("pair", maintain_order=True).agg(pl.col("word").str.join(", "))
    text = pl.concat_str(pl.lit(f"{label}: "), "word")
    return told.select("pair", part=pl.lit(part), text=text)


def _over(every: pl.DataFrame, of: pl.DataFrame, agreed: pl.DataFrame, at: str) -> pl.DataFrame:
    """The words of one side that were paired with none, in their order."""
    taken = agreed.select("pair", at=at)
    rest = every.join(of, on="pair", how="semi").join(taken, on=["pair", "at"], how="anti")
    return rest.sort("pair", "at").select("pair", "word")


def agreements(pairs: pl.DataFrame) -> Agreements:
    """How pairs of Latin forms agree; see the module. `pairs` has `pair`, `one` and `two`.

    O(words of one * words of two) a pair.
    """
    left, right = _words(pairs, "one"), _words(pairs, "two")
    agreed = _paired(_alike(left, right))
    rules = scoring()
    letters = (_size("a") + _size("b")) / 2
    sums = agreed.group_by("pair").agg(
        mass=letters.sum(),
        cost=((1 - pl.col("like")) * letters).sum(),
        a=_size("a").sum(),
        b=_size("b").sum(),
    )
    for name, side in (("a", left), ("b", right)):
        every = side.group_by("pair").agg(all=_size("word").sum())
        over = (pl.col("all") - pl.col(name)).alias(name)
        sums = sums.join(every, on="pair").with_columns(over).drop("all")
    few, many = pl.min_horizontal("a", "b"), pl.max_horizontal("a", "b")
    total = pl.col("mass") + 2 * rules.other * few + rules.extra * (many - few)
    score = ((pl.col("mass") - pl.col("cost")) / total).round(4)
    scores = sums.select("pair", score=score).filter(pl.col("score") > 0).sort("pair")
    return Agreements(scores, agreed, left, right)


def _size(column: str) -> pl.Expr:
    return pl.col(column).str.len_chars().cast(pl.Float64)


def _words(pairs: pl.DataFrame, column: str) -> pl.DataFrame:
    """The words of a form of each pair: `pair`, `word`, `at`."""
    split = pairs.filter(pl.col(column) != "").select("pair", word=pl.col(column).str.split(" "))
    at = pl.int_ranges(pl.col("word").list.len(), dtype=pl.Int64)
    return split.with_columns(at=at).explode("word", "at")


def _alike(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """The words of each pair that may be the same: `pair`, `a`, `a_at`, `b`, `b_at`, `like`."""
    rules = scoring()
    both = left.select("pair", a="word", a_at="at").join(
        right.select("pair", b="word", b_at="at"), on="pair"
    )
    short, long = (
        pl.min_horizontal(_size("a"), _size("b")),
        pl.max_horizontal(_size("a"), _size("b")),
    )
    initial = (short == 1) & (pl.col("a").str.head(1) == pl.col("b").str.head(1))
    # No two words of lengths m < n are more alike than 2 m / (m + n).
    both = both.filter(initial | (2 * short >= rules.word * (short + long)))
    distinct = both.select("a", "b").unique()
    like = cpdist(
        distinct["a"].to_list(),
        distinct["b"].to_list(),
        scorer=Indel.normalized_similarity,
        dtype=np.float64,
    )
    both = both.join(distinct.with_columns(like=pl.Series(like, dtype=pl.Float64)), on=["a", "b"])
    raised = pl.max_horizontal("like", pl.lit(rules.initial))
    both = both.with_columns(like=pl.when(initial).then(raised).otherwise("like"))
    return both.filter(pl.col("like") >= rules.word)


def _paired(alike: pl.DataFrame) -> pl.DataFrame:
    """Words paired greedily: the most alike first, among equal ones the first words."""
    rest = alike.sort("pair", "like", "a_at", "b_at", descending=[False, True, False, False])
    turns = [rest.clear().with_columns(turn=pl.lit(0))]
    while rest.height:
        best = rest.unique("pair", keep="first", maintain_order=True)
        turns.append(best.with_columns(turn=pl.lit(len(turns))))
        for at in ("a_at", "b_at"):
            rest = rest.join(best, on=["pair", at], how="anti", maintain_order="left")
    return pl.concat(turns)
