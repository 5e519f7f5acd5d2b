"""The planted truth is recovered; the network sees the links; reasons sum to the margin."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gnn.compete import Competition, Truth, _Fitting, _split, compete
from gnn.config import GraphConfig, ModelConfig, SplitConfig, TreeConfig
from gnn.contenders import BASE, BOTH, FULL, NETWORK, ROW, Lesson, fit_all, last_part, with_blend
from gnn.enterprises import PANEL, panel_at
from gnn.infer import top_reasons
from gnn.train import network_fitter

CONFIG = ModelConfig(
    replicates=50,
    split=SplitConfig(folds=1),
    trees=TreeConfig(bags=1, most_rounds=120),
    graph=GraphConfig(bags=1, epochs=25, window_days=60),
)


@pytest.fixture(scope="module")
def world(plant: Any) -> Any:
    return plant(8000, inspected=0.4)


@pytest.fixture(scope="module")
def found(world: Any) -> Competition:
    fit = network_fitter(world.cases, world.links, CONFIG)
    return compete(world.cases, CONFIG, threads=1, fit_network=fit, truth=Truth(world.truth))


def test_neighbours_beat_the_row_and_the_network_too(found: Competition) -> None:
    reached = {row.model: row for row in found.rows}
    assert reached[BASE].precision == pytest.approx(reached[BASE].base)
    assert reached[FULL].precision > reached[ROW].precision
    assert reached[NETWORK].average_precision > reached[ROW].average_precision
    assert reached[NETWORK].precision > 2 * reached[BASE].base
    assert found.champion in (FULL, BOTH, NETWORK)


def test_what_a_window_found_decides_nothing_of_its_own_predictions(world: Any) -> None:
    """Neither trees nor network see when to stop, nor anything else, in the rows they predict."""
    cases = world.cases
    choices = replace(
        CONFIG,
        trees=TreeConfig(bags=1, least_rounds=5, most_rounds=120, patience=20),
        graph=replace(CONFIG.graph, epochs=8),
    )
    weight = np.ones(len(cases))
    split = _split(cases, cases.labelled, choices)
    window = split.validation
    turned = replace(
        cases,
        outcome=np.where(np.isin(np.arange(len(cases)), window), 1 - cases.outcome, cases.outcome),
    )
    seen = []
    for one in (cases, turned):
        fit = network_fitter(one, world.links, choices)
        fitting = _Fitting(one, weight, choices, 1, fit)
        seen.append(fitting.trial(split, lambda what, share: None))
    first, second = seen
    assert first.rounds == second.rounds
    assert first.merits != second.merits
    found = [
        fit_all(
            one,
            Lesson(split.train, weight),
            choices,
            threads=1,
            fit_network=network_fitter(one, world.links, choices),
        )
        for one in (cases, turned)
    ]
    early = window[cases.declared[window] < cases.recorded[window].min()]
    for name in (ROW, FULL, NETWORK):
        margins = [one[name].margin(cases, early) for one in found]
        assert margins[0] == pytest.approx(margins[1], abs=0)


def test_a_lesson_is_stopped_by_its_own_last_rows(world: Any) -> None:
    cases = world.cases
    rows = cases.labelled
    lesson = Lesson(rows, np.ones(len(cases)))
    part = last_part(cases, lesson, CONFIG.split)
    assert part is not None
    learn, watch = part.rows, part.watch
    assert watch is not None
    start = cases.declared[watch].min()
    assert cases.recorded[learn].max() < start
    assert not set(learn) & set(watch)
    assert len(watch) == pytest.approx(len(rows) / 4, rel=0.02)
    nothing = replace(cases, outcome=np.where(cases.declared >= start, 0.0, cases.outcome))
    assert last_part(nothing, lesson, CONFIG.split) is None
    fit = fit_all(nothing, lesson, CONFIG, threads=1, wanted=(ROW,))
    assert fit[ROW].rounds == CONFIG.trees.usual_rounds


def test_probabilities_are_calibrated(found: Competition) -> None:
    champion = next(row for row in found.rows if row.model == found.champion)
    assert champion.calibration_error < 0.05


def test_the_test_period_teaches_nothing(world: Any, found: Competition) -> None:
    """Turning the outcomes of the test period round changes no choice made before."""
    cases = world.cases
    late = cases.declared >= found.split.test_from
    assert not set(found.split.refit) & set(np.flatnonzero(late))
    assert (cases.recorded[found.split.refit] < found.split.test_from).all()


def test_the_network_repeats_itself_and_its_reasons_sum(world: Any, found: Competition) -> None:
    from gnn.attribution import attribute, kind_names

    network = found.final[NETWORK].network
    assert network is not None
    rows = np.arange(len(world.cases) - 300, len(world.cases))
    margin = network.margin(world.cases, rows)
    fit = network_fitter(world.cases, world.links, CONFIG)
    weight = np.ones(len(world.cases))
    first = fit(found.split.train, None, 3, weight)
    second = fit(found.split.train, None, 3, weight)
    assert (first.margin(world.cases, rows) == second.margin(world.cases, rows)).all()
    parts = attribute(network, world.cases, rows)
    total = parts.features.sum(axis=1) + parts.kinds.sum(axis=1) + parts.start
    assert np.abs(total - margin).mean() < 0.05
    assert parts.kinds.shape == (300, len(kind_names(network)))
    without = network.without(world.cases, rows, "address")
    assert np.abs(margin - without).max() > 0.01
    assert network.without(world.cases, rows, "payment") == pytest.approx(margin)


def test_a_saved_network_scores_the_same(world: Any, found: Competition, tmp_path: Any) -> None:
    from gnn.network import Network

    network = found.final[NETWORK].network
    assert network is not None
    network.save(tmp_path / "n")
    again = Network.load(tmp_path / "n", world.links, world.cases, CONFIG.graph)
    rows = np.arange(0, len(world.cases), 37)
    assert (again.margin(world.cases, rows) == network.margin(world.cases, rows)).all()


def test_blend_mixes_log_odds(world: Any, found: Competition) -> None:
    rows = np.arange(50)
    half = with_blend({FULL: found.final[FULL], NETWORK: found.final[NETWORK]}, 0.5)[BOTH]
    parts = [found.final[name].margin(world.cases, rows) for name in (FULL, NETWORK)]
    assert half.margin(world.cases, rows) == pytest.approx(sum(parts) / 2)


def test_panel_sees_only_the_past(world: Any) -> None:
    cases = world.cases
    risk = np.linspace(0, 1, len(cases))
    cut = int(np.quantile(cases.declared, 0.5))
    early = cases.declared < cut
    changed = replace(
        cases,
        outcome=np.where(early & (cases.recorded < cut), cases.outcome, 1 - cases.outcome),
    )
    first = panel_at(cases, risk, cut)
    second = panel_at(changed, np.where(early, risk, 0.9), cut)
    assert first.shape == (cases.enterprises, len(PANEL))
    assert (first == second).all()


def test_top_reasons_are_the_largest_that_raise() -> None:
    parts = np.array([[0.1, -1.0, 0.5, 0.2], [-1.0, -1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 2.0]])
    assert top_reasons(("a", "b", "c", "d"), parts, 2).to_pylist() == [["c", "d"], [], ["d"]]
