"""A hostile reader's cases: what numbers do not carry is not said, and what they rest on is."""

import re

import attrs
import pytest

from safescale.studies.asked import AskedPrompt
from safescale.studies.robustness.analysis import analyze_robustness
from safescale.studies.robustness.cell_metrics import cell_metrics
from safescale.studies.robustness.design import FinetuneGrid
from safescale.studies.robustness.geometry_words import agreement_words
from safescale.studies.robustness.half_words import half_words
from safescale.studies.robustness.quantities import is_lexical
from safescale.studies.robustness.results import ConditionAgreement, Effect, HalfCompute, HalfOfModel, RobustnessVerdict
from studies.robustness_worlds import by_hand, design_for, planted

THREE = FinetuneGrid(examples=(64,), steps=(5, 20, 100))
COMPUTE, CANNOT_TELL = RobustnessVerdict.COMPUTE, RobustnessVerdict.CANNOT_TELL


def analysed(outcomes, **changes):
    return analyze_robustness(design_for(**changes), [outcomes])


def told(result, start):
    found = [words for words in result.sentences if words.startswith(start)]
    assert found, f"no sentence starts with {start!r}: {result.sentences}"
    return found[0]


@pytest.fixture(scope="module")
def separated():
    """All refusals at the first level and none after it, in every model."""
    return planted(compute=-400.0, size=0.0, tau=0.0, at_middle=-186.0)


def test_prompts_of_unknown_kind_are_neither_harmful_nor_benign():
    outcomes = by_hand()
    prompts = (*outcomes.prompts[:5], AskedPrompt(prompt_id="p5", prompt_kind="unknown"))
    attacked = cell_metrics(attrs.evolve(outcomes, prompts=prompts), level=0.95)[1]
    assert (attacked.over_refusal.value, attacked.over_refusal.n) == (0.0, 2)
    assert (attacked.benign_accuracy.value, attacked.benign_accuracy.n) == (0.5, 2)


def test_drift_is_called_lexical_by_what_the_embedder_says_that_it_measures():
    embed = pytest.importorskip("safescale.grade.embed")
    embedder = embed.open_embedder("hashed-ngrams")
    assert is_lexical(embedder.name)
    assert is_lexical(embedder.measure)
    assert not is_lexical("minilm")


def test_cells_that_nobody_could_read_at_all_count_against_the_verdict():
    """Cells too unread to be fitted are where the most is left out: they must not fall out of the share."""
    outcomes = planted(compute=-2.0, size=0.0, tau=0.1, prompts=40)
    refused = outcomes.refused.copy()
    for at, cell in enumerate(outcomes.cells):
        attack = outcomes.attacks[cell.attack]
        if attack.steps is not None and attack.steps >= 50 and outcomes.models[cell.model].params_b > 1:
            refused[at][outcomes.harmful] = -1
    result = analysed(attrs.evolve(outcomes, refused=refused))
    share = re.search(r"(\d+\.\d) % of the responses that RRR asks for have no verdict", " ".join(result.sentences[:1]))
    assert result.verdict is CANNOT_TELL
    assert result.graders[0].surfaces[0].outweighs.interval is not None
    assert result.graders[0].surfaces[0].outweighs.interval[0] > 0
    assert share is not None
    assert float(share.group(1)) == pytest.approx(30.0, abs=0.1)


def test_half_compute_does_not_decide_where_answers_that_nobody_could_read_carry_it(separated):
    assert analysed(separated).verdict is COMPUTE
    refused = separated.refused.copy()
    for at, cell in enumerate(separated.cells):
        attack = separated.attacks[cell.attack]
        # after the fall the larger models' answers are mostly broken: were they refusals, there would be no fall
        if attack.steps is not None and attack.steps >= 10 and separated.models[cell.model].params_b > 4:
            refused[at][:20] = -1
    result = analysed(attrs.evolve(separated, refused=refused))
    assert result.verdict is CANNOT_TELL
    assert "does not hold if all of them were refusals" in result.sentences[0]


def test_where_half_compute_decides_the_other_unit_of_compute_is_told(separated):
    """In FLOPs the same slope is one higher: what is flat in tokens is not told apart there."""
    result = analysed(separated)
    assert "slope of log compute at one half on log size [-0.20, +0.20]" in result.sentences[0]
    words = told(
        result, "For attacks of equal FLOPs that cannot be told: slope of log compute at one half on log size [+0.80, +1.20]"
    )
    assert words.endswith("(FLOPs): the answer depends on the unit of compute.")
    steep = analysed(separated, compute_unit="flops")
    assert steep.verdict is CANNOT_TELL
    assert told(steep, "For attacks of equal training tokens compute outweighs size")


def test_effects_of_size_name_the_unit_of_compute_wherever_they_stand():
    result = analysed(planted(whole=True, prompts=20, steps=(5, 20, 100)), finetune=THREE, steering=None)
    for words in result.sentences:
        if ("per decade" in words and "decade of size" in words) or "lineages as units" in words:
            assert "tokens" in words or "FLOPs" in words, words


def test_three_prompts_are_not_taken_seriously():
    result = analysed(planted(prompts=3, steps=(5, 20, 100), whole=True), finetune=THREE, steering=None)
    assert "(36 of 36 cells rest on fewer than 20 responses, or on none)" in result.sentences[0]
    assert "a model's RRR rests on as few as 3 prompts, which shows little" in told(result, "A second draw")
    assert "too few to say much" in told(result, "Refusals that are left drift")


def test_losses_are_told_beyond_a_second_draw_with_models_as_units():
    words = told(analysed(planted(compute=-3.0, wavering=0.3, steps=(5, 20, 100)), finetune=THREE, steering=None), "A second draw")
    found = re.search(
        r"lost beyond a second draw: \+([\d.]+) \[\+([\d.]+), \+([\d.]+)\] points, paired by prompt, 12 models", words
    )
    assert found is not None
    middle, low, high = map(float, found.groups())
    assert 0 < low < middle < high <= 100
    assert "(means over 12 models as units)" in words


def test_a_rate_of_exchange_that_includes_none_offsets_nothing():
    result = analysed(planted(compute=0.0, size=3.0, tau=0.2, steps=(5, 20, 100)), finetune=THREE, steering=None)
    rate = result.graders[0].surfaces[0].exchange
    assert rate.interval[0] <= 0 <= rate.interval[1]
    assert "is not shown" in told(result, "Exchange")
    assert "is offset by" not in told(result, "Exchange")


def test_kappa_near_nothing_at_high_agreement_is_explained_by_the_answer_that_dominates():
    outcomes = planted(compute=-3.0, prompts=50, lineages=1, steps=(5, 20, 100))
    refused = outcomes.refused.copy()
    base = [at for at, cell in enumerate(outcomes.cells) if not cell.attack]
    refused[base[0], 3, 0] = refused[base[1], 7, 1] = 0
    other = attrs.evolve(outcomes, grader="other", refused=refused)
    result = analyze_robustness(design_for(finetune=THREE, steering=None), [outcomes, other])
    words = told(result, "planted and other agree")
    assert re.search(r"kappa 0\.00 .*, agreement (99|100) %; they call 100 % and (99|100) % refusals", words)
    assert "where one answer dominates" in words
    by_kind = {found.condition: found for found in result.agreement}
    assert by_kind["none"].dominated
    assert not by_kind["finetune"].dominated
    assert "under attack" not in words


def test_what_is_odd_about_a_size_widens_the_interval_with_sizes_as_units():
    odd = analysed(planted(3, compute=0.0, size=0.0, tau=0.1, shared_tau=1.0, steps=(5, 20, 100)), finetune=THREE, steering=None)
    caveat = next(words for words in odd.caveats if "share 4 sizes" in words)
    found = re.search(r"with sizes as units, the safer count, .* is [+-]?[\d.]+ \[([+-]?[\d.]+), ([+-]?[\d.]+)\] log odds", caveat)
    assert found is not None
    low, high = map(float, found.groups())
    by_models = odd.graders[0].surfaces[0].outweighs.interval
    assert high - low > 1.5 * (by_models[1] - by_models[0])
    assert caveat.endswith(", which by itself cannot tell")


def test_a_rate_of_exchange_beyond_the_sizes_that_were_tried_says_so():
    far = analysed(planted(compute=-3.0, size=1.0, tau=0.1, prompts=40, steps=(5, 20, 100)), finetune=THREE, steering=None)
    surface = far.graders[0].surfaces[0]
    assert surface.exchange.decades > 1.5
    assert surface.size_decades == pytest.approx(1.477, abs=0.001)
    assert "beyond the 1.5 decades of size that were tried: the line is drawn on" in told(far, "Exchange")
    near = analysed(planted(compute=-1.0, size=2.0, tau=0.1, steps=(5, 20, 100)), finetune=THREE, steering=None)
    assert "beyond" not in told(near, "Exchange")


def test_an_end_that_is_printed_as_nothing_shows_nothing():
    row = HalfOfModel(model=by_hand().models[0], seed=0, low=1.0, high=2.0, crossings=1)
    design = design_for()

    def words(low):
        half = HalfCompute(unit="tokens", rows=(row,), slope=Effect(estimate=None, interval=(low, 0.9)), censored=0, examples=64)
        return half_words(attrs.evolve(empty, half=(half,)), design)[0]

    empty = analysed(by_hand(), finetune=THREE, steering=None).graders[0]
    assert "is not shown: [0.00, +0.90] decades of compute (training tokens)" in words(0.003)
    assert "Larger models take more of it: [+0.01, +0.90]" in words(0.01)


def test_kappa_that_moves_because_refusals_do_is_not_told_as_graders_that_err_differently():
    def agreed(kind, kappa, share):
        ends = (kappa - 0.03, kappa + 0.03)
        return ConditionAgreement(
            condition=kind, graders=("a", "b"), n=500, agreement=0.95, kappa=kappa, kappa_interval=ends, refused=(share, share)
        )

    (moved,) = agreement_words([agreed("none", 0.7, 0.85), agreed("finetune", 0.9, 0.4)], design_for())
    assert moved.endswith("kappa rises under attack, where 40 % in place of 85 % are refusals: that alone moves kappa.")
    (same,) = agreement_words([agreed("none", 0.9, 0.45), agreed("finetune", 0.7, 0.4)], design_for())
    assert same.endswith(": it falls under attack.")


def test_means_say_of_how_many_models_they_are():
    base = planted(prompts=10, lineages=1, steps=(5, 20, 100), ablation=0.9, random_ablation=0.0)
    words = told(analysed(base, finetune=THREE, steering=None), "Ablating")
    assert words.endswith("(means over 4 models as units).")
