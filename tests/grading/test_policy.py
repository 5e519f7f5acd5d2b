import copy
from pathlib import Path

import pytest
import yaml

from grading.errors import PolicyError
from grading.policy import DEFAULT, load_policy, parse_policy
from graph.features import catalogue

SMALL = Path(__file__).with_name("small_policy.yml")


def changed(path: str, value: object) -> object:
    content = copy.deepcopy(yaml.safe_load(SMALL.read_text(encoding="utf-8")))
    *parents, last = path.split(".")
    place = content
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[int(last) if last.isdigit() else last] = value
    return content


def test_the_policy_in_force_is_sound() -> None:
    policy = load_policy()
    assert policy.neutral == 600
    assert [policy.odds(band.lower) for band in policy.bands if band.lower] == [
        160,
        80,
        40,
        20,
        10,
        5,
    ]
    assert policy.groups["network"].most_lost is not None
    assert all(gate.basis for gate in policy.gates)


def test_the_policy_in_force_reads_features_that_exist() -> None:
    known = catalogue.names("enterprise")
    policy = load_policy(known_features=known)
    read = {name for name in policy.features if not name.startswith("score.")}
    assert read, "a policy that reads no features would pass unseen"
    assert read <= set(known)


def test_the_hash_is_of_what_it_says(tmp_path: Path) -> None:
    text = SMALL.read_text(encoding="utf-8")
    (tmp_path / "same.yml").write_text("# a comment\n" + text, encoding="utf-8")
    (tmp_path / "other.yml").write_text(text.replace("woe: 0.5", "woe: 0.6"), encoding="utf-8")
    assert load_policy(tmp_path / "same.yml").hash == load_policy(SMALL).hash
    assert load_policy(tmp_path / "other.yml").hash != load_policy(SMALL).hash


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("scale.base_odds", "many", "policy: scale.base_odds: Input should be a valid number"),
        ("scale.base_odds", -1.0, "policy: scale.base_odds: Input should be greater than 0"),
        ("colour", "red", "policy: colour: Extra inputs are not permitted"),
        ("characteristics.0.group", "none", "OWN.AGE: there is no group 'none'"),
        ("characteristics.1.code", "OWN.AGE", "OWN.AGE is declared twice"),
        ("characteristics.0.bins.1.woe", -2.0, "OWN.AGE: the bins' woe contradicts 'higher is safer'"),
        ("characteristics.0.bins.1.below", 0.5, "OWN.AGE: the bins' bounds must rise"),
        ("characteristics.0.bins.2.below", 9.0, "every bin but the last needs `below`"),
        ("characteristics.0.reason.en", "{years} old", "text '{years} old' cannot show {value} = 0.5"),
        ("characteristics.0.missing.reason.en", "{value:.0f}", "cannot show {value} = None"),
        ("characteristics.2.bins.0.woe", 0.2, "NET.RATE: a capped group gives no points"),
        ("groups.network.most_lost", 25.0, "more than the narrowest band (20.0)"),
        ("gates.0.ceiling", "Z", "GATE.SERIOUS: there is no band 'Z'"),
        ("gates.0.only_if.at_least", 1.0, "a condition needs either `at_least` or `below`"),
        ("bands.1.from", 700.0, "their bounds must fall"),
        ("bands.1.band", "A", "two bands have the same name"),
    ],
)  # fmt: skip
def test_a_wrong_policy_is_refused_in_one_line(path: str, value: object, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(changed(path, value))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_unknown_features_are_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such feature: hit_rate, serious: use names"):
        load_policy(SMALL, ["age", "hits", "inspected", "neighbour_rate"])


def test_a_file_that_is_no_policy_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text("a: [", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"bad\.yml cannot be read") as caught:
        load_policy(bad)
    assert "\n" not in str(caught.value)
    with pytest.raises(PolicyError, match=r"none\.yml cannot be read"):
        load_policy(tmp_path / "none.yml")
    bad.write_text("just text", encoding="utf-8")
    with pytest.raises(PolicyError, match=r"bad\.yml: Input should be an object"):
        load_policy(bad)


def test_the_default_is_shipped_with_the_package() -> None:
    assert DEFAULT.is_file() and DEFAULT.parent.parent.name == "grading"
