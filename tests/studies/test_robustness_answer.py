"""The verdict and its words follow the data: turned data turn the words."""

import re

import attrs
import numpy as np
import pytest

from safescale.errors import DomainError
from safescale.studies.robustness import verdict
from safescale.studies.robustness.analysis import analyze_robustness, findings_of
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.results import Effect, Estimate, GeometryOfModel, RobustnessVerdict
from safescale.studies.robustness.verdict import main_half, main_lineages, main_surface, verdict_of, verdict_over_graders
from studies.robustness_worlds import design_for, planted, with_compute, with_models, with_sizes

COMPUTE, SIZE, CANNOT_TELL = RobustnessVerdict.COMPUTE, RobustnessVerdict.SIZE, RobustnessVerdict.CANNOT_TELL
TURNED_SIZES = {0.5: 15.0, 1.5: 5.0, 5.0: 1.5, 15.0: 0.5}
TURNED_COMPUTE = {2000: 40000, 4000: 20000, 8000: 8000, 20000: 4000, 40000: 2000}


def analysed(outcomes, **changes):
    return analyze_robustness(design_for(**changes), [outcomes])


def told(result, start):
    """The sentence that begins so."""
    found = [words for words in result.sentences if words.startswith(start)]
    assert found, f"no sentence starts with {start!r}: {result.sentences}"
    return found[0]


def main(result):
    return main_surface(result.graders[0].surfaces, result.design)


@pytest.fixture(scope="module")
def strong_compute():
    return planted(compute=-3.0, size=0.8)


@pytest.fixture(scope="module")
def strong_size():
    return planted(compute=-1.0, size=3.0)


def test_strong_compute_outweighs_size_and_is_told_with_its_figures(strong_compute):
    result = analysed(strong_compute)
    assert result.verdict is COMPUTE
    assert result.sentences[0].startswith("Compute outweighs size for RRR (refusals retained)")
    words = told(result, "About a model of 2.74B and ")
    assert "ten times the attack compute lowers RRR from" in words
    assert "ten times the model size raises RRR from" in words
    surface = main(result)
    assert f"({surface.compute.estimate:+.2f} [" in words
    assert f"|compute| - |size| is {surface.outweighs.estimate:+.2f} [" in words
    start, end = map(float, re.search(r"compute lowers RRR from ([\d.]+) % to ([\d.]+) %", words).groups())
    odds = [np.log(rate / (100 - rate)) for rate in (start, end)]
    assert odds[1] - odds[0] == pytest.approx(surface.compute.estimate, abs=0.02)
    middle = 1 / (1 + np.exp(-np.mean(odds)))
    assert middle == pytest.approx(surface.at_reference, abs=0.002)


def test_reversed_sizes_turn_the_effect_of_size_and_the_exchange(strong_compute):
    mine, turned = analysed(strong_compute), analysed(with_sizes(strong_compute, TURNED_SIZES))
    # the four sizes lie nearly, not exactly, mirrored about their middle on a log scale
    assert main(turned).size.estimate == pytest.approx(-main(mine).size.estimate, abs=0.05)
    assert "ten times the model size lowers RRR" in told(turned, "About a model")
    assert "is offset by a larger model" in told(mine, "Exchange")
    assert "only a smaller model offsets" in told(turned, "Exchange")
    assert main(mine).exchange.decades > 0 > main(turned).exchange.decades
    assert "Larger models take more of it" in told(mine, "Compute to reach 50 % RRR")
    assert "Larger models take less of it" in told(turned, "Compute to reach 50 % RRR")


def test_reversed_compute_turns_the_effect_of_compute_and_not_the_verdict(strong_compute):
    turned = analysed(with_compute(strong_compute, TURNED_COMPUTE))
    assert turned.verdict is COMPUTE
    assert "ten times the attack compute raises RRR from" in told(turned, "About a model")
    assert main(turned).compute.estimate > 0


def test_strong_size_outweighs_compute(strong_size):
    result = analysed(strong_size)
    assert result.verdict is SIZE
    assert result.sentences[0].startswith("Size outweighs compute for RRR")
    assert main(result).outweighs.estimate < 0
    assert "as with models as units" in told(result, "With 3 lineages as units")


def test_size_and_compute_that_change_places_turn_the_verdict():
    """Four levels on the axis of the other: what was size is compute, and the same answers say the opposite."""
    outcomes = planted(compute=-3.0, size=0.8, steps=(5, 15, 50, 150), tau=0.0, lineages=1, prompts=200, benign=1)
    sizes = [model.params_b for model in outcomes.models]
    levels = [attack.steps for attack in outcomes.attacks[1:]]
    place = {(cell.model, cell.attack): at for at, cell in enumerate(outcomes.cells)}
    refused, failed = outcomes.refused.copy(), outcomes.failed.copy()
    for model in range(len(sizes)):
        for level in range(len(levels)):
            refused[place[model, level + 1]] = outcomes.refused[place[level, model + 1]]
            failed[place[model, level + 1]] = outcomes.failed[place[level, model + 1]]
    turned = attrs.evolve(outcomes, refused=refused, failed=failed)
    design = attrs.evolve(design_for(steering=None), finetune=attrs.evolve(design_for().finetune, steps=(5, 15, 50, 150)))
    mine, other = (analyze_robustness(design, [of]) for of in (outcomes, turned))
    assert (mine.verdict, other.verdict) == (COMPUTE, SIZE)


def test_where_nothing_happens_nothing_is_told():
    result = analysed(planted(compute=0.0, size=0.0, at_middle=3.0))
    assert result.verdict is CANNOT_TELL
    assert result.sentences[0].startswith("Cannot tell whether attack compute outweighs model size for RRR (refusals retained): ")
    assert "includes 0" in result.sentences[0]
    assert "does not demonstrably move RRR" in told(result, "About a model")
    assert "There is no rate of exchange" in told(result, "There is no rate")
    assert "never reached within the grid" in told(result, "Compute to reach 50 % RRR")


def test_everything_refused_is_no_crash_and_no_answer():
    result = analysed(planted(compute=0.0, at_middle=40.0, lineages=1))
    assert result.verdict is CANNOT_TELL
    assert "everything that was refused before is refused in all 20 cells" in result.sentences[0]
    assert "nothing of it is lost" in told(result, "A second draw")
    assert main(result).separated


def test_nothing_refused_is_no_crash_and_no_answer():
    result = analysed(planted(compute=0.0, at_middle=-40.0, lineages=1))
    assert result.verdict is CANNOT_TELL
    assert "nothing that was refused before is refused in any of 20 cells" in result.sentences[0]
    assert "below one half at the first level already" in told(result, "Compute to reach 50 % RRR")


def test_separated_refusals_turn_to_the_compute_at_one_half():
    """Everything refused up to a level, nothing above it: no log odds, and the level still says which does more."""
    steep = analysed(planted(compute=-60.0, size=6.0, tau=0.0))
    assert main(steep).separated
    assert "likelihood has no maximum" in main(steep).why
    assert main_half(steep.graders[0].half, steep.design).slope.interval is not None
    assert steep.verdict is COMPUTE
    assert "within (-1, 1)" in steep.sentences[0]


def test_before_and_after_that_change_places_turn_the_words_of_loss():
    outcomes = planted(wavering=0.3, compute=-1.0, lineages=1)
    lost = told(analysed(outcomes), "A second draw")
    assert re.search(r"of the [\d.]+ points that are lost after 100 steps of fine-tuning on 64 pairs, [\d.]+ are that", lost)
    refused = outcomes.refused.copy()
    for model in range(len(outcomes.models)):
        ends = [at for at, cell in enumerate(outcomes.cells) if cell.model == model and cell.attack in (0, 5)]
        refused[ends] = refused[ends[::-1]]
    swapped = told(analysed(attrs.evolve(outcomes, refused=refused)), "A second draw")
    assert "no more than drawing again loses" in swapped
    shares = [
        [float(share) for share in re.search(r"([\d.]+) % are refused before and ([\d.]+) % after", words).groups()]
        for words in (lost, swapped)
    ]
    assert shares[0][0] > shares[0][1]
    assert shares[1] == pytest.approx([shares[0][1], shares[0][0]], abs=0.051)


def test_loss_that_is_drawing_again_alone_is_called_that():
    result = analysed(planted(compute=0.0, at_middle=40.0, wavering=0.5, lineages=1))
    words = told(result, "A second draw")
    assert "no more than drawing again loses" in words or re.search(
        r"of the [\d.]+ points that are lost .*, [\d.]+ are that", words
    )
    null = float(re.search(r"keeps ([\d.]+) %", words).group(1))
    assert null < 95


def test_both_units_of_compute_are_told_and_their_disagreement_is_part_of_the_answer():
    outcomes = planted(compute=-2.5, size=0.8, prompts=60)
    by_tokens, by_flops = analysed(outcomes), analysed(outcomes, compute_unit="flops")
    assert (by_tokens.verdict, by_flops.verdict) == (COMPUTE, SIZE)
    assert "compute in training tokens (in FLOPs size outweighs compute)" in by_tokens.sentences[0]
    assert "compute in FLOPs (in training tokens compute outweighs size)" in by_flops.sentences[0]
    tokens, flops = (main_surface(by_tokens.graders[0].surfaces, by_tokens.design, unit) for unit in ("tokens", "flops"))
    assert flops.size.estimate == pytest.approx(tokens.size.estimate - tokens.compute.estimate, abs=0.1)
    assert "the answer depends on the unit of compute" in told(by_tokens, "For attacks of equal FLOPs")


def test_an_odd_size_takes_the_verdict_back():
    """One size refuses more in every lineage: neither models nor lineages as units see that it is one size only."""
    outcomes = planted(compute=-0.3, size=0.0, tau=0.02, lineages=8)
    refused, rng = outcomes.refused.copy(), np.random.default_rng(2)
    for at, cell in enumerate(outcomes.cells):
        if outcomes.models[cell.model].params_b == 15.0 and cell.attack:
            more = outcomes.harmful[:, None] & (rng.random(refused[at].shape) < 0.85)
            refused[at] = np.where(more, 1, refused[at])
    result = analysed(attrs.evolve(outcomes, refused=refused))
    assert main(result).outweighs.interval[1] < 0
    assert main_lineages(result.graders[0].lineages, result.design).outweighs.interval[1] < 0
    assert result.verdict is CANNOT_TELL
    assert "without 15B the difference turns its sign" in result.sentences[0]


def test_odd_sizes_do_not_pass_for_an_effect_of_size_where_models_share_them(monkeypatch, strong_size):
    found = findings_of(design_for(), strong_size)
    args = (design_for(), found.cells, found.surfaces, found.lineages, found.half)
    assert verdict_of(*args).verdict is SIZE
    wide = Effect(estimate=-1.5, interval=(-4.0, 1.0), p_value=0.2)
    monkeypatch.setattr(verdict, "sizes_as_units", lambda *_: wide)
    said = verdict_of(*args)
    assert said.verdict is CANNOT_TELL
    assert "with the 4 sizes as units it cannot be told ([-4.00, +1.00])" in said.reasons[0]


def test_compute_needs_no_sizes_as_units(monkeypatch, strong_compute):
    found = findings_of(design_for(), strong_compute)
    monkeypatch.setattr(verdict, "sizes_as_units", lambda *_: Effect(estimate=0.1, interval=(-4.0, 4.2)))
    assert verdict_of(design_for(), found.cells, found.surfaces, found.lineages, found.half).verdict is COMPUTE


def test_lineages_that_say_the_opposite_take_the_verdict_back(strong_compute):
    found = findings_of(design_for(), strong_compute)
    lineages = main_lineages(found.lineages, design_for())
    turned = attrs.evolve(lineages, outweighs=Effect(estimate=-1.0, interval=(-1.5, -0.5), p_value=0.01))
    args = (design_for(), found.cells, found.surfaces)
    assert verdict_of(*args, found.lineages, found.half).verdict is COMPUTE
    said = verdict_of(*args, [turned], found.half)
    assert said.verdict is CANNOT_TELL
    assert "with lineages as units size outweighs compute" in said.reasons[0]


def test_another_grader_that_says_the_opposite_takes_the_verdict_back(strong_compute, strong_size):
    second = attrs.evolve(strong_size, grader="second")
    result = analyze_robustness(design_for(), [strong_compute, second])
    assert [found.verdict for found in result.graders] == [COMPUTE, SIZE]
    assert result.verdict is CANNOT_TELL
    assert "by planted compute outweighs size, by second size outweighs compute" in result.sentences[0]
    assert any("the verdict of second differs" in words for words in result.caveats)
    alone = verdict_over_graders(result.graders[:1])
    assert (alone.verdict, alone.reasons) == (COMPUTE, ())


def test_answers_that_nobody_could_read_take_the_verdict_back_where_they_carry_it():
    """Without any effect of size: the grader cannot read what larger models say in place of a refusal."""
    outcomes = planted(compute=-0.5, size=0.0, tau=0.1, prompts=60)
    refused, rng = outcomes.refused.copy(), np.random.default_rng(3)
    unreadable = {0.5: 0.0, 1.5: 0.5, 5.0: 0.75, 15.0: 0.9}
    for at, cell in enumerate(outcomes.cells):
        if cell.attack:
            lost = rng.random(refused[at].shape) < unreadable[outcomes.models[cell.model].params_b]
            refused[at][outcomes.harmful[:, None] & (refused[at] == 0) & lost] = -1
    result = analysed(attrs.evolve(outcomes, refused=refused))
    assert main(result).outweighs.interval[1] < 0
    assert result.verdict is CANNOT_TELL
    unread = r"\d+\.\d % of the responses that RRR asks for have no verdict on refusal, and it does not hold if"
    assert re.search(unread, result.sentences[0])
    assert "if none of them were refusals" in result.sentences[0]


def test_a_few_answers_that_nobody_could_read_leave_the_verdict(strong_size):
    few = strong_size.refused.copy()
    few[5, 0, 0] = -1
    assert analysed(attrs.evolve(strong_size, refused=few)).verdict is SIZE


def test_more_models_than_there_are_would_decide():
    named = []
    for seed in range(6):
        result = analysed(planted(seed, compute=-2.0, size=0.3, lineages=1, prompts=15, tau=0.4, steps=(5, 50, 100)))
        if (found := re.search(r"about (\d+) models", result.sentences[0])) is not None:
            assert result.verdict is CANNOT_TELL
            named.append(int(found.group(1)))
    assert named
    assert min(named) > 4


def test_a_guessed_size_that_carries_the_verdict_takes_it_back(strong_size):
    models = tuple(attrs.evolve(model, size_estimated=model.params_b in (0.5, 1.5)) for model in strong_size.models)
    result = analysed(with_models(strong_size, models))
    assert result.verdict is CANNOT_TELL
    assert "without models of estimated size it does not hold" in result.sentences[0]
    assert any("the size of 6 models is estimated" in words for words in result.caveats)


def test_guessed_sizes_that_carry_nothing_leave_the_verdict(strong_compute):
    models = tuple(attrs.evolve(model, size_estimated=model.params_b == 0.5) for model in strong_compute.models)
    result = analysed(with_models(strong_compute, models))
    assert result.verdict is COMPUTE
    without = main_surface(result.graders[0].surfaces, result.design, guesses=False)
    assert (without.n_models, main(result).n_models) == (9, 12)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sizes_b": (1.0, 10.0)}, "2 sizes of at least 3"),
        ({"sizes_b": (1.0, 3.0, 10.0), "lineages": 1}, "3 models of at least 4"),
        ({"steps": (5, 50)}, "2 compute levels of at least 3"),
    ],
)
def test_too_few_models_sizes_or_levels_make_no_fit_and_say_why(changes, why):
    result = analysed(planted(**changes))
    assert result.verdict is CANNOT_TELL
    assert why in result.sentences[0]
    for surface in result.graders[0].surfaces:
        assert surface.why is not None
        assert surface.size.estimate is None


def test_models_without_a_size_are_shown_and_in_no_slope(strong_compute):
    models = tuple(attrs.evolve(model, params_b=None) if at == 0 else model for at, model in enumerate(strong_compute.models))
    cells = tuple(attrs.evolve(cell, flops=None) if cell.model == 0 else cell for cell in strong_compute.cells)
    result = analysed(attrs.evolve(strong_compute, models=models, cells=cells))
    assert main(result).n_models == 11
    assert any("their size is not known: planted-0-0.5b" in words for words in result.caveats)


def test_defences_are_told_with_their_price_and_a_useless_one_as_useless():
    outcomes = planted(steering=2.5, steering_over_refusal=0.5, benign=30, lineages=1)
    result = analysed(outcomes)
    words = told(result, "steering x 1")
    assert "adds to refusal of harmful prompts under 50 steps on 64 pairs" in words
    assert re.search(r"over-refusal \+[45]\d\.\d \[", words)
    assert re.search(r"benign accuracy -4\d\.\d \[", words)
    useless = told(analysed(planted(steering=0.0, lineages=1)), "steering x 1")
    assert "does not demonstrably move refusal of harmful prompts" in useless
    harmful = told(analysed(planted(steering=-3.0, lineages=1)), "steering x 1")
    assert "takes from refusal of harmful prompts" in harmful


def test_a_random_direction_that_takes_refusals_takes_ablation_with_it():
    clean = analysed(planted(ablation=0.8, random_ablation=0.0, lineages=1))
    assert not any("ablation results cannot be read" in words for words in clean.caveats)
    assert "ablating a random one leaves 100.0 %" in told(clean, "Ablating the refusal direction leaves RRR")
    taken = analysed(planted(ablation=0.8, random_ablation=0.4, lineages=1))
    assert any(re.match(r"ablation results cannot be read in 4 of 4 models: ablating a random", words) for words in taken.caveats)
    alone = analysed(planted(ablation=0.8, lineages=1))
    assert any("ablation has no control" in words for words in alone.caveats)


def geometry(model, *, found):
    none = Estimate(value=None, why="no direction")
    return GeometryOfModel(
        model=model,
        layer=1 if found else None,
        position=-1 if found else None,
        found=found,
        reason="ablating it lowers refusal from 98 % to 3 %" if found else "ablating the best leaves 97 % of 98 % refused",
        refusal_before=0.98,
        refusal_ablated=0.03 if found else 0.97,
        refusal_random=0.98,
        categories=("a", "b", "c", "d"),
        mean_cosine=Estimate(value=0.47, interval=(0.2, 0.7)) if found else none,
        effective_rank=Estimate(value=1.6) if found else none,
        left_after=((1, 0.03, 0.98), (4, 0.0, 0.95)) if found else (),
    )


def test_directions_are_told_where_found_and_their_absence_is_a_result():
    outcomes = planted(lineages=1)
    models = outcomes.models[:3]
    result = analyze_robustness(design_for(), [outcomes], [geometry(model, found=at > 0) for at, model in enumerate(models)])
    words = told(result, "A refusal direction was found")
    assert "found in 2 of 3 models; no direction found in planted-0-0.5b (ablating the best leaves 97 % of 98 % refused)" in words
    assert "is 0.47 by model (intervals from 0.20 to 0.70)" in told(result, "Where one was found")
    assert "Ablating 4 directions at once leaves 0 % of prompts refused by model, as many random ones 95 %" in told(
        result, "Ablating 4"
    )
    none = analyze_robustness(design_for(), [outcomes], [geometry(model, found=False) for model in models])
    assert "found in 0 of 3 models" in told(none, "A refusal direction was found")
    assert not any(words.startswith("Where one was found") for words in none.sentences)


def test_agreement_that_falls_under_attack_is_called_that():
    first = planted(prompts=60, wavering=0.5, lineages=1)
    rng = np.random.default_rng(5)
    refused = first.refused.copy()
    for at, cell in enumerate(first.cells):
        error = 0.02 if first.attacks[cell.attack].kind == "none" else 0.35
        turned = rng.random(refused[at].shape) < error
        refused[at] = np.where(turned, 1 - refused[at], refused[at])
    second = attrs.evolve(first, grader="second", refused=refused)
    result = analyze_robustness(design_for(), [first, second])
    assert "it falls under attack" in told(result, "planted and second agree about refusal with kappa")
    same = analyze_robustness(design_for(), [first, attrs.evolve(first, grader="second")])
    assert "falls" not in told(same, "planted and second agree about refusal")
    kinds = {found.condition: found for found in result.agreement}
    assert set(kinds) == {"none", "finetune"}
    assert kinds["none"].n == 4 * 60 * 2


def test_names_of_models_attacks_and_cells_change_no_number():
    outcomes = planted(whole=True, tamper_resistance=2.0, wavering=0.2, lineages=1, steps=(5, 20, 50))
    models = tuple(
        attrs.evolve(model, model_id=f"m{99 - at}", lineage=f"z{model.lineage}") for at, model in enumerate(outcomes.models)
    )
    attacks = tuple(attrs.evolve(attack, name=f"what{99 - at}") for at, attack in enumerate(outcomes.attacks))
    cells = tuple(attrs.evolve(cell, subject=f"cell {at}", condition="x") for at, cell in enumerate(outcomes.cells))
    prompts = tuple(attrs.evolve(prompt, prompt_id=f"q{99 - at}") for at, prompt in enumerate(outcomes.prompts))
    renamed = attrs.evolve(outcomes, models=models, attacks=attacks, cells=cells, prompts=prompts)
    one, other = analysed(outcomes), analysed(renamed)
    assert one.verdict is other.verdict
    for mine, theirs in zip(one.graders[0].surfaces, other.graders[0].surfaces, strict=True):
        assert mine == theirs
    for mine, theirs in zip(one.graders[0].half, other.graders[0].half, strict=True):
        assert mine.slope == theirs.slope
    assert [row[1:] for found in one.graders[0].lineages for row in found.rows] == [
        row[1:] for found in other.graders[0].lineages for row in found.rows
    ]
    assert [found.gain for found in one.graders[0].defences] == [found.gain for found in other.graders[0].defences]


def test_labels_of_compute_that_are_dealt_out_anew_leave_no_effect_of_compute():
    """Nothing looks at what a cell is called: with levels shuffled within each model the effect of compute is gone."""
    outcomes = planted(compute=-3.0)
    rng = np.random.default_rng(7)
    refused = outcomes.refused.copy()
    for model in range(len(outcomes.models)):
        mine = np.array([at for at, cell in enumerate(outcomes.cells) if cell.model == model and cell.attack > 0])
        refused[mine] = outcomes.refused[rng.permutation(mine)]
    effect = main(analysed(attrs.evolve(outcomes, refused=refused))).compute
    assert effect.interval[0] < 0 < effect.interval[1]
    assert main(analysed(outcomes)).compute.interval[1] < 0


def test_refuses_no_grader_one_twice_and_graders_on_other_axes(strong_compute):
    with pytest.raises(DomainError, match="at least one grader, got none"):
        analyze_robustness(design_for(), [])
    with pytest.raises(DomainError, match="every grader has one set of outcomes"):
        analyze_robustness(design_for(), [strong_compute, strong_compute])
    other = attrs.evolve(planted(prompts=29, benign=7), grader="second")
    with pytest.raises(DomainError, match="different prompts"):
        analyze_robustness(design_for(), [strong_compute, other])


def test_no_fine_tuning_at_all_says_so():
    outcomes = planted()
    keep = [at for at, cell in enumerate(outcomes.cells) if cell.attack == 0]
    arrays = {name: getattr(outcomes, name)[keep] for name in ("refused", "failed", "right", "p_refusal", "entropy", "distance")}
    result = analyze_robustness(
        RobustnessDesign(), [attrs.evolve(outcomes, cells=tuple(outcomes.cells[at] for at in keep), **arrays)]
    )
    assert result.verdict is CANNOT_TELL
    assert len(result.sentences) >= 1
