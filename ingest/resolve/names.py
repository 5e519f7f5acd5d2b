"""Names of enterprises and persons, brought to forms that can be matched, a column at a time.

`core` is the name without legal form, spaces and marks: simplified characters or Latin letters.
`roman` is its Latin form: pinyin, with the common words of Chinese company names in English.
`stem` is the core without region and common words, `local` the Latin form without the region.
`numbers` are the numbers in the name, `form` its legal form where that is telling, else null.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import opencc
import polars as pl
import pypinyin
import yaml

_HAN = r"[\p{Han}]"
#: Latin letters that decompose into no base letter and mark.
_LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th",
    "&": " and ",
}  # fmt: skip
_NUMERALS = dict(zip("一二三四五六七八九十", map(str, range(1, 11)), strict=True))
FORMS = ("name", "clean", "han", "core", "roman", "stem", "local", "form")


@dataclass(frozen=True)
class Words:
    """The word lists of `names.yml`."""

    forms_zh: tuple[str, ...]
    forms_latin: tuple[str, ...]
    generic_zh: tuple[str, ...]
    generic_latin: tuple[str, ...]
    regions_zh: tuple[str, ...]
    telling_forms: tuple[str, ...]
    same_forms: tuple[tuple[str, str], ...]
    english: tuple[tuple[str, str], ...]


@cache
def words() -> Words:
    """The word lists, read once."""
    content = yaml.safe_load((Path(__file__).parent / "names.yml").read_text(encoding="utf-8"))
    pairs = {name: tuple(sorted(content.pop(name).items())) for name in ("english", "same_forms")}
    return Words(**{name: tuple(found) for name, found in content.items()}, **pairs)


@cache
def regions_latin() -> tuple[str, ...]:
    """The regions' names in pinyin, and China's in English."""
    return ("china", *("".join(pypinyin.lazy_pinyin(name)) for name in words().regions_zh))


def normalise(names: pl.Series, *, ordered: bool = True) -> pl.DataFrame:
    """Forms of the distinct names: `name`, `han`, `core`, `roman`, `stem`, `local`,
    `form`, `numbers`.

    With `ordered` false (persons) the words of a Latin name are sorted, since lists write
    "FAMILY, Given". A name with no letter has an empty core. O(total length).
    """
    frame = pl.DataFrame({"name": names.drop_nulls().unique().sort()})
    frame = frame.with_columns(clean=_simplified(_cleaned(frame["name"])))
    frame = frame.with_columns(han=pl.col("clean").str.contains(_HAN))
    chinese, latin = frame.filter("han"), frame.filter(~pl.col("han"))
    both = pl.concat([_chinese(chinese), _latin(latin, ordered)])
    return both.with_columns(numbers=_numbers(pl.col("clean"))).drop("clean").sort("name")


def _cleaned(names: pl.Series) -> pl.Series:
    """Lower case, full-width forms and accents resolved, marks turned into spaces."""
    folded = names.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    folded = folded.str.normalize("NFC").str.replace_many(_LETTERS)
    # Initials stand together: "s.a." is one word, and so is "o'neil".
    folded = folded.str.replace_all(r"['’`.]", "")
    return folded.str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()


def _simplified(names: pl.Series) -> pl.Series:
    """Traditional characters as simplified ones, character by character."""
    known = _characters(names)
    if not known:
        return names
    simple = opencc.OpenCC("t2s").convert("\n".join(known)).split("\n")
    changed = {old: new for old, new in zip(known, simple, strict=True) if old != new}
    return names.str.replace_many(changed) if changed else names


def _characters(names: pl.Series) -> list[str]:
    """The Han characters that occur, sorted."""
    found = names.str.extract_all(_HAN).explode().drop_nulls().unique().sort()
    return [str(character) for character in found]


def _chinese(frame: pl.DataFrame) -> pl.DataFrame:
    lists = words()
    core = pl.col("clean").str.replace_all(" ", "")
    forms = "|".join(sorted(lists.forms_zh, key=len, reverse=True))
    # Twice: a group's company is 集团 and 有限公司. A name that is nothing else stays as it is.
    core = core.str.replace(rf"(.)(?:{forms})$", "$1").str.replace(rf"(..)(?:{forms})$", "$1")
    core = core.str.replace(r"([\p{Han}]{2})[ab]$", "$1")
    regions = "|".join(sorted(lists.regions_zh, key=len, reverse=True))
    local = pl.col("core").str.replace(rf"^(?:{regions})(?:省|市|自治区)?(..)", "$1")
    frame = frame.with_columns(core=core)
    frame = frame.with_columns(local=local.str.replace(r"^[\p{Han}]{2,3}市(..)", "$1"))
    # "Power" of a province is no name of its own: there the region belongs to it.
    own = pl.col("local").str.replace_many([han for han, _ in lists.english], [""]).str.len_chars()
    frame = frame.with_columns(local=pl.when(own >= 2).then("local").otherwise("core"))
    generic = "|".join(sorted(lists.generic_zh, key=len, reverse=True))
    bare = pl.col("local").str.replace_all(generic, "")
    return frame.with_columns(
        roman=_roman(frame["core"]),
        stem=pl.when(bare.str.len_chars() >= 2).then(bare).otherwise("local"),
        local=_roman(frame["local"]),
        form=pl.lit(None, pl.String),
    ).select(FORMS)


def _roman(core: pl.Series) -> pl.Series:
    """English for the common words, pinyin for each other character, without spaces."""
    characters = _characters(core)
    if not characters:
        return core
    sounds = ["".join(pypinyin.lazy_pinyin(character)) for character in characters]
    # Among patterns that begin at one place the first wins: longer words come before shorter.
    longest = sorted(words().english, key=lambda pair: (-len(pair[0]), pair[0]))
    table = {**dict(longest), **dict(zip(characters, sounds, strict=True))}
    return core.str.replace_many(table, leftmost=True)


def _latin(frame: pl.DataFrame, ordered: bool) -> pl.DataFrame:
    lists = words()
    tokens = pl.col("clean").str.split(" ")
    if not ordered:
        tokens = tokens.list.sort()
    kept = tokens.list.filter(~pl.element().is_in(lists.forms_latin))
    kept = pl.when(kept.list.len() > 0).then(kept).otherwise(tokens)
    bare = kept.list.filter(~pl.element().is_in(lists.generic_latin))
    bare = pl.when(bare.list.len() > 0).then(bare).otherwise(kept)
    core = kept.list.join("")
    local = kept.list.filter(~pl.element().is_in(regions_latin()))
    local = pl.when(local.list.len() > 0).then(local).otherwise(kept)
    told = tokens.list.eval(pl.element().replace(dict(lists.same_forms)))
    form = told.list.filter(pl.element().is_in(lists.telling_forms)).list.last()
    return frame.with_columns(
        core=core, roman=core, stem=bare.list.join(""), local=local.list.join(""), form=form
    ).select(FORMS)


def _numbers(clean: pl.Expr) -> pl.Expr:
    """Numbers that tell one enterprise of a series from another: 2, II, 第二."""
    ordinals = clean.str.replace_all(r"第([一二三四五六七八九十])", " 第$1 ")
    ordinals = ordinals.str.replace_many({f"第{han}": digit for han, digit in _NUMERALS.items()})
    found = ordinals.str.extract_all(r"\d+|\b[ivx]+\b")
    return found.list.sort().list.join(" ")
