"""Chinese names by their sound: pinyin, as people type it who cannot type the characters.

Nobody agrees where the words of a name in pinyin begin, so `wangjianguo`, `wang jianguo` and, with
the family name last, `jianguo wang` are one name here. What is asked has to begin and end where a
syllable does; a letter may be wrong. Less will not do: all pinyin is alike.
"""

import re
from collections.abc import Iterable
from itertools import accumulate

import pypinyin
from rapidfuzz import fuzz

#: Chinese characters.
CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
#: What a name that sounds the same scores: less than one written the same, in whatever script.
SAME = 0.95
#: Most syllables that are taken for one word.
_LONGEST = 4
#: How alike two names have to sound, in percent, and a long text and a part of a name.
_LIKE, _LONG, _PART_LIKE = 85.0, 8, 90.0
#: What is written differently and sounds the same, and how it is compared. ü has no key: lü, lv and
#: lu are all written, and in passports lyu. An n may end a syllable, so nyu is only read so where
#: a word begins.
WRITTEN = (("lyu", "lu"), (r"\bnyu", "nu"), ("[vü]", "u"))


def pinyin(texts: Iterable[str]) -> list[str]:
    """Each text with its Chinese characters as syllables between spaces, without tones, ü as u.

    The texts have no line feeds. Characters with several readings are read as in the words they
    are part of. O(total length).
    """
    lines = list(texts)
    read = pypinyin.lazy_pinyin("\n".join(lines), v_to_u=True)
    return " ".join(read).replace("ü", "u").split("\n") if lines else []


def typed(text: str) -> str:
    """A text as it is compared by sound: v, ü and the passports' yu as u. O(length)."""
    for pattern, plain in WRITTEN:
        text = re.sub(pattern, plain, text)
    return text


def sounds(names: Iterable[str]) -> dict[str, str]:
    """The syllables of each of the distinct names that have Chinese characters: see `pinyin`.

    O(total length).
    """
    chinese = sorted({name for name in names if CJK.search(name)})
    texts = (" ".join(typed(line).split()) for line in pinyin(chinese))
    return dict(zip(chinese, texts, strict=True))


def words(syllables: str) -> str:
    """What may be typed as one word: every run of at most four syllables."""
    parts = syllables.split()
    runs = (
        "".join(parts[start : start + length])
        for length in range(1, _LONGEST + 1)
        for start in range(len(parts) - length + 1)
    )
    return " ".join(dict.fromkeys(runs))


def likeness(syllables: str, wanted: str) -> tuple[float, str]:
    """How alike what is asked and a name sound, 0 to `SAME`, and how in words. O(length^2)."""
    parts, asked = syllables.split(), typed(wanted).split()
    whole, text = "".join(parts), "".join(asked)
    turned = "".join([asked[-1], *asked[:-1]])
    if whole in (text, turned):
        return SAME, "sounds the same"
    alike = max(fuzz.ratio(whole, form, score_cutoff=_LIKE) for form in (text, turned)) / 100
    inside = _inside(parts, whole, text)
    part = inside * 0.9 * min(1.0, 0.6 + 0.4 * len(text) / max(len(whole), 1))
    how = "contains the sound" if inside == 1.0 else "sounds similar"
    return round(SAME * max(alike, part), 4), how


def _inside(parts: list[str], whole: str, text: str) -> float:
    """1 where whole syllables of the name are the text, less where a long text is nearly there."""
    ends = {0, *accumulate(map(len, parts))}
    at = whole.find(text)
    while at >= 0:
        if at in ends and at + len(text) in ends:
            return 1.0
        at = whole.find(text, at + 1)
    if text in whole or not _LONG <= len(text) <= len(whole):
        return 0.0
    return fuzz.partial_ratio(whole, text, score_cutoff=_PART_LIKE) / 100
