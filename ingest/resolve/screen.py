"""Screening: which list entries may a name be?

Unlike `compare`, which weighs all that is known of two parties, a query here is a bare name in any
script. Candidates are the list names that share most letter sequences with it (TF-IDF of character
bigrams and trigrams); each is then scored word by word: words are paired greedily by similarity,
and the score is the share of letters that agree, a letter that both names have otherwise (another
family name) costing much more than one that only one of them has (a middle name).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pypinyin
import yaml
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist
from sklearn.feature_extraction.text import TfidfVectorizer

from ingest.resolve.names import words

Progress = Callable[[str, float], None]

_HAN = re.compile(r"[\u3400-\u9fff]")
_CHUNK = 500

#: Columns of the answer.
COLUMNS = ("query", "rank", "entry_id", "list", "name", "score", "match", "reason")


@dataclass(frozen=True)
class Scoring:
    """The numbers of `screen.yml`."""

    word: float
    initial: float
    extra: float
    other: float
    candidates: int
    threshold: float
    letters: tuple[tuple[str, str], ...]


@cache
def scoring() -> Scoring:
    """The numbers, read once."""
    content = yaml.safe_load((Path(__file__).parent / "screen.yml").read_text(encoding="utf-8"))
    return Scoring(**content | {"letters": tuple(content["letters"].items())})


@dataclass(frozen=True)
class Agreement:
    """How two names agree: `score` 0 to 1, and the words that agree or are over on either side."""

    score: float
    agreed: tuple[tuple[str, str], ...]
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The agreement in words."""
        same = [a for a, b in self.agreed if a == b]
        like = [f"{a} ~ {b}" for a, b in self.agreed if a != b]
        parts = [("same", same), ("alike", like), ("only asked", self.left)]
        parts.append(("only listed", self.right))
        return "; ".join(f"{what}: {', '.join(found)}" for what, found in parts if found)


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
    `threshold` on. O(q * n) sparse products and O(q * candidates) comparisons.
    """
    bound = scoring().threshold if threshold is None else threshold
    asked = queries.fill_null("").to_list()
    forms = [latin(name) for name in asked]
    listed = entries.with_columns(form=pl.Series(map(latin, entries["name"]), dtype=pl.String))
    parts: list[pl.DataFrame] = []
    for start, near in _candidates(forms, listed["form"].to_list()):
        if progress is not None:
            progress("comparing names", start / max(len(forms), 1))
        parts += [
            _ranked(asked[start + row], forms[start + row], listed[chosen], limit)
            for row, chosen in enumerate(near)
            if chosen.size
        ]
    if not parts:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
    found = pl.concat(parts).with_columns(match=pl.col("score") >= bound)
    return found.select(COLUMNS)


def agreement(one: str, two: str) -> Agreement:
    """How two Latin forms agree; see the module. O(words of one * words of two)."""
    rules, left, right = scoring(), one.split(), two.split()
    if not left or not right:
        return Agreement(0.0, (), tuple(left), tuple(right))
    likeness = cdist(left, right, scorer=Indel.normalized_similarity, dtype=np.float64)
    for row, column in np.ndindex(*likeness.shape):
        a, b = left[row], right[column]
        if min(len(a), len(b)) == 1 and a[0] == b[0]:
            likeness[row, column] = max(likeness[row, column], rules.initial)
    pairs: list[tuple[int, int]] = []
    mass = cost = 0.0
    while likeness.size and likeness.max() >= rules.word:
        row, column = (int(n) for n in np.unravel_index(int(likeness.argmax()), likeness.shape))
        letters = (len(left[row]) + len(right[column])) / 2
        mass, cost = mass + letters, cost + (1 - likeness[row, column]) * letters
        pairs.append((row, column))
        likeness[row, :] = likeness[:, column] = -1.0
    over_left = [w for n, w in enumerate(left) if n not in {row for row, _ in pairs}]
    over_right = [w for n, w in enumerate(right) if n not in {column for _, column in pairs}]
    few, many = sorted((sum(map(len, over_left)), sum(map(len, over_right))))
    total = mass + 2 * rules.other * few + rules.extra * (many - few)
    agreed = tuple((left[row], right[column]) for row, column in pairs)
    score = max(0.0, (mass - cost) / total) if mass else 0.0
    return Agreement(score, agreed, tuple(over_left), tuple(over_right))


def latin(name: str) -> str:
    """A name's words in lower-case Latin letters, without marks and legal forms."""
    folded = pl.select(
        pl.lit(name).str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    ).item()
    folded = re.sub(r"['’`.]", "", folded).translate(_letters())
    if _HAN.search(folded):
        folded = " ".join(pypinyin.lazy_pinyin(folded))
    parts = re.sub(r"[\W_]+", " ", folded).split()
    forms = set(words().forms_latin)
    return " ".join([part for part in parts if part not in forms] or parts)


@cache
def _letters() -> dict[int, str]:
    return str.maketrans(dict(scoring().letters))


def _candidates(
    queries: list[str], names: list[str]
) -> list[tuple[int, list[np.ndarray[tuple[int], np.dtype[np.int64]]]]]:
    """For chunks of queries: where the chunk begins, and each query's candidate rows."""
    if not any(names) or not any(queries):
        return []
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), sublinear_tf=True)
    known = vectors.fit_transform(names).T.tocsr()
    asked = vectors.transform(queries).tocsr()
    most = scoring().candidates
    found = []
    for start in range(0, len(queries), _CHUNK):
        near = (asked[start : start + _CHUNK] @ known).tocsr()
        rows = [near.indices[a:b] for a, b in zip(near.indptr, near.indptr[1:], strict=False)]
        values = [near.data[a:b] for a, b in zip(near.indptr, near.indptr[1:], strict=False)]
        best = [
            np.sort(row[np.argsort(-value, kind="stable")[:most]]).astype(np.int64)
            for row, value in zip(rows, values, strict=True)
        ]
        found.append((start, best))
    return found


def _ranked(query: str, form: str, listed: pl.DataFrame, limit: int) -> pl.DataFrame:
    """The best entries among the candidates, each with its best name."""
    found = [agreement(form, other) for other in listed["form"]]
    scored = listed.with_columns(
        query=pl.lit(query),
        score=pl.Series([round(one.score, 4) for one in found], dtype=pl.Float64),
        reason=pl.Series([one.reason for one in found], dtype=pl.String),
    ).filter(pl.col("score") > 0)
    order = scored.sort("score", "entry_id", "name", descending=[True, False, False])
    best = order.unique("entry_id", keep="first", maintain_order=True).head(limit)
    return best.with_row_index("rank", offset=1)
