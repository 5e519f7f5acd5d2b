"""Screening: forms of names in any script, agreement word by word, and the best entries in order."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from ingest.resolve.screen import COLUMNS, agreements, latin, scoring, screen, spellings

ENTRIES = pl.DataFrame(
    {
        "entry_id": ["L1", "L1", "L2", "L3", "L4", "L5"],
        "list": ["A", "A", "A", "B", "B", "B"],
        "name": ["Harbor Limited", "海港公司", "IVANOV, Ivan Petrovich", "Blue Whale Shipping",
                 "王建国", "Ltd."],
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Иванов", "ivanov"),
        ("Müller & Söhne GmbH", "muller sohne"),
        ("王建国", "wang jian guo"),
        ("吕思远", "lu si yuan"),
        ("Volvo 海港", "volvo hai gang"),
        ("O’Neil S.A.", "oneil"),
        ("Ltd", "ltd"),
        ("Two\nlines", "two lines"),
        ("北\n京", "bei jing"),
        ("?!", ""),
    ],
)
def test_a_name_in_latin_letters(name: str, form: str) -> None:
    assert latin(pl.Series([name, name])).rows() == [(name, form)]


def test_the_best_entries_come_in_the_order_of_the_queries() -> None:
    asked = ["Wang Jian Guo", "Harbour Ltd", None, "Ivan Ivanov", "Harbour Ltd", "!"]
    found = screen(pl.Series(asked, dtype=pl.String), ENTRIES, limit=2)
    assert dict(found.schema) == COLUMNS
    best = found.filter(pl.col("rank") == 1)
    assert best["query"].to_list() == ["Wang Jian Guo", "Harbour Ltd", "Ivan Ivanov", "Harbour Ltd"]
    assert best["entry_id"].to_list() == ["L4", "L1", "L2", "L1"]
    assert best["match"].all()
    assert best["reason"][2] == "same: ivan, ivanov; only listed: petrovich"
    assert best["reason"][1] == "alike: harbour ~ harbor"
    of_harbour = found.filter(pl.col("query") == "Harbour Ltd")
    assert of_harbour["entry_id"].n_unique() == of_harbour["rank"].n_unique()


def test_nothing_asked_or_nothing_alike_is_no_answer() -> None:
    for asked in ([], [None], ["!"], ["ξ"]):
        found = screen(pl.Series(asked, dtype=pl.String), ENTRIES, limit=2)
        assert (found.height, dict(found.schema)) == (0, COLUMNS)
    assert screen(pl.Series(["a"]), ENTRIES.clear(), limit=2).height == 0


CHINESE = pl.DataFrame(
    {
        "entry_id": ["C1", "C2", "C3", "C4", "C5", "C6"],
        "list": ["A"] * 6,
        "name": ["王建国", "吕思远", "欧阳锋", "王伟", "海丰国际贸易", "Ivan Volkov"],
    }
)


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        *[(name, "C1") for name in ("Wang Jianguo", "wangjianguo", "Jianguo Wang", "WANG JIAN GUO")],
        *[(name, "C2") for name in ("Lu Siyuan", "Lü Si Yuan", "Lyu Siyuan", "lv siyuan")],
        *[(name, "C2") for name in ("LYUSIYUAN", "Siyuan Lü", "lvsiyuan", "吕思远")],
        *[(name, "C3") for name in ("Ouyang Feng", "Feng Ouyang", "ou yang feng")],
        *[(name, "C4") for name in ("Wang Wei", "Wangwei", "Wei Wang")],
        ("Haifeng Guoji Maoyi", "C5"),
        ("Ivan Volkov", "C6"),
    ],
)  # fmt: skip
def test_a_chinese_name_is_found_however_its_pinyin_is_written(asked: str, entry: str) -> None:
    found = screen(pl.Series([asked]), CHINESE, limit=1).row(0, named=True)
    assert (found["entry_id"], found["score"], found["match"]) == (entry, 1.0, True)
    other = pl.DataFrame({"entry_id": ["X"], "list": ["A"], "name": [asked]})
    listed = CHINESE.filter(pl.col("entry_id") == entry)["name"]
    assert screen(listed, other, limit=1)["score"].to_list() == [1.0]


@pytest.mark.parametrize("asked", ["Li Jianguo", "wangjianjun", "王建军", "Wang Jun", "Zhao Wei"])
def test_another_name_that_sounds_a_little_alike_is_no_match(asked: str) -> None:
    assert not screen(pl.Series([asked]), CHINESE, limit=5)["match"].any()


def test_an_entry_comes_once_however_many_of_its_forms_agree() -> None:
    found = screen(pl.Series(["Wang Jianguo", "王建国"]), CHINESE, limit=3)
    for rows in found.partition_by("query"):
        assert rows["entry_id"].is_unique().all()
        assert rows["rank"].to_list() == list(range(1, rows.height + 1))
        assert rows["score"].is_sorted(descending=True)


def test_how_names_of_syllables_may_be_written() -> None:
    forms = spellings(pl.DataFrame({"name": ["王伟", "海"], "form": ["wang wei", "hai"]}))
    assert forms.rows() == [("海", "hai"), ("王伟", "wang wei"), ("王伟", "wangwei")]
    forms = spellings(pl.DataFrame({"name": ["x"], "form": ["a b c d e"]}))
    assert forms["form"].to_list() == ["a b c d e", "ab cd e", "abcde"]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pl.Series(["Harbour Ltd", "Whale", "Ivan", "Wang", "Blue Harbor", "海港"])
    whole = screen(asked, ENTRIES, limit=3)
    monkeypatch.setattr("ingest.resolve.screen._PAIRS", 1)
    assert screen(asked, ENTRIES, limit=3).equals(whole)


def by_hand(one: str, two: str) -> float:
    """The score of two forms, one pair of words after another."""
    rules = scoring()
    left, right = list(enumerate(one.split())), list(enumerate(two.split()))
    mass = cost = 0.0
    while left and right:
        like, i, j = max(
            (alike(a, b), -i, -j) for i, a in left for j, b in right
        )  # fmt: skip
        if like < rules.word:
            break
        a, b = dict(left)[-i], dict(right)[-j]
        mass += (len(a) + len(b)) / 2
        cost += (1 - like) * (len(a) + len(b)) / 2
        left.remove((-i, a))
        right.remove((-j, b))
    few, many = sorted((sum(len(w) for _, w in left), sum(len(w) for _, w in right)))
    total = mass + 2 * rules.other * few + rules.extra * (many - few)
    return max(0.0, (mass - cost) / total) if mass else 0.0


def alike(a: str, b: str) -> float:
    like = float(Indel.normalized_similarity(a, b))
    initial = min(len(a), len(b)) == 1 and a[0] == b[0]
    return max(like, scoring().initial) if initial else like


FORMS = st.lists(st.text("abc", min_size=1, max_size=5), max_size=4).map(" ".join)


@settings(deadline=None)
@given(st.lists(st.tuples(FORMS, FORMS), min_size=1, max_size=20))
def test_all_pairs_at_once_score_as_one_after_another(pairs: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(pairs, schema=["one", "two"], orient="row").with_row_index("pair")
    found = agreements(frame)
    scores = dict(found.scores.rows())
    reasons = dict(found.reasons(found.scores["pair"]).rows())
    assert set(scores) == set(reasons)
    for number, (one, two) in enumerate(pairs):
        assert scores.get(number, 0.0) == pytest.approx(by_hand(one, two), abs=1e-4)
