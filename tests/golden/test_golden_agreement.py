"""Published figures of agreement between graders, from the real files: as printed, or as `ours` says and why."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import pytest

from safescale.stats import (
    cohen_kappa,
    corrected_rate,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    misclassification_by_condition,
    misclassification_matrix,
    pabak,
)

ROWS = tomllib.loads((Path(__file__).parent / "stats_agreement.toml").read_text())["row"]
CLASSES = ("COMPLETE", "EVASIVE", "DENIAL")
MODELS = ("gemma-2b-it", "llama-2-7b-chat-hf", "meta-llama-3-8b-instruct", "qwen-1_8b-chat", "yi-6b-chat")


def read(path):
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def bare(value, digits):
    """As the page prints it: no zero before the point."""
    return f"{value:.{digits}f}".replace("0.", ".", 1)


def speechmap_pairs(real_data):
    """Both judges saw the same text and both gave one of the three classes."""
    rows = [row for row in read(real_data / "speechmap" / "speechmap_labels_only.csv") if row["same_response"] == "True"]
    pairs = [(row["label_grok41fast"], row["label_gpt4o"]) for row in rows]
    return [pair for pair in pairs if set(pair) <= set(CLASSES)]


def speechmap(real_data):
    a, b = zip(*speechmap_pairs(real_data), strict=True)
    plain, weighted = cohen_kappa(a, b, categories=CLASSES), cohen_kappa(a, b, categories=CLASSES, weights="linear")
    words = f"agreement {bare(plain.observed_agreement, 4)}, kappa {bare(plain.kappa, 3)}"
    return f"n = {plain.n:,}: {words}, linearly weighted {bare(weighted.kappa, 3)}"


def panel(real_data):
    """18 judges per row; a judge's format error is a missing rating."""
    table = read(real_data / "speechmap_judges" / "judge_panel_400.csv")
    judges = list(table[0])[9:]
    assert len(judges) == 18
    return [[row[judge] if row[judge] in CLASSES else None for judge in judges] for row in table]


def panel_alpha(real_data, classes):
    ratings = panel(real_data)
    assert len(ratings) == 400
    if classes == 2:
        ratings = [[None if label is None else label == "DENIAL" for label in unit] for unit in ratings]
    got = krippendorff_alpha(ratings)
    assert got.interval[0] < got.alpha < got.interval[1]
    return f"Krippendorff alpha {bare(got.alpha, 3)}"


def panel_fleiss(real_data):
    complete = [unit for unit in panel(real_data) if None not in unit]
    got = fleiss_kappa([[unit.count(label) for label in CLASSES] for unit in complete])
    return f"Fleiss {bare(got.kappa, 4)} on {got.items} complete rows"


def humans(real_data, model):
    return [(row["annotation_1"], row["annotation_2"]) for row in read(real_data / "xstest" / f"xstest_v2_completions_{model}.csv")]


def xstest(real_data, model):
    pairs = humans(real_data, model)
    labels = sorted({label for pair in pairs for label in pair})
    got = fleiss_kappa([[pair.count(label) for label in labels] for pair in pairs])
    assert got.items == 450
    return f"{100 * got.observed_agreement:.1f} %, Fleiss {bare(got.kappa, 2)}"


def refusal_pairs(real_data, model, intervention):
    path = real_data / "refusal_direction" / model / f"jailbreakbench_{intervention}_evaluations.json"
    completions = json.loads(path.read_text(encoding="utf-8"))["completions"]
    assert len(completions) == 100
    return [(row["is_jailbreak_substring_matching"], row["is_jailbreak_llamaguard2"]) for row in completions]


def refusal_kappas(real_data, interventions):
    return [
        cohen_kappa(*zip(*refusal_pairs(real_data, model, intervention), strict=True))
        for model in MODELS
        for intervention in interventions
    ]


def refusal_agreement(real_data, interventions):
    found = [got.observed_agreement for got in refusal_kappas(real_data, interventions)]
    return f"raw agreement {bare(min(found), 2)}-{bare(max(found), 2)}"


def refusal_kappa(real_data, interventions):
    found = [got.kappa for got in refusal_kappas(real_data, interventions)]
    return f"kappa {bare(min(found), 2)}-{bare(max(found), 2)}"


COMPUTE = {
    "speechmap": speechmap,
    "panel_alpha": panel_alpha,
    "panel_fleiss": panel_fleiss,
    "xstest": xstest,
    "refusal_agreement": refusal_agreement,
    "refusal_kappa": refusal_kappa,
}


@pytest.mark.real_data
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_published_agreement(row, real_data):
    computed = COMPUTE[row["compute"]](real_data, **row.get("arguments", {}))
    if row["status"] == "reproduced":
        assert computed == row["printed"]
        assert "ours" not in row
    else:
        assert row["status"].startswith("not reproduced, because ")
        assert computed == row["ours"] != row["printed"]


def test_every_row_has_its_own_name_and_source():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all(row["source"] for row in ROWS)


def test_a_grader_that_says_yes_to_all_has_kappa_zero_and_no_interval(real_data):
    """After ablation the substring grader calls all 100 of two models jailbroken: kappa 0 there is arithmetic."""
    for model in ("gemma-2b-it", "meta-llama-3-8b-instruct"):
        pairs = refusal_pairs(real_data, model, "ablation")
        got = cohen_kappa(*zip(*pairs, strict=True))
        assert (got.kappa, got.interval) == (0.0, None)
        assert "the first grader called all 100 traces 1" in got.undefined_because
        # the coefficients that do not divide by the chance of that grader still speak
        assert gwet_ac1(pairs, categories=(0, 1)).coefficient > 0.6
        assert pabak(*zip(*pairs, strict=True), categories=(0, 1)).pabak == pytest.approx(2 * got.observed_agreement - 1)


def test_grader_error_depends_on_the_condition(real_data):
    """LlamaGuard-2 as truth: the substring grader's specificity falls to almost nothing once refusal is removed."""
    rows = [
        (truth, graded, intervention)
        for model in MODELS
        for intervention in ("baseline", "ablation", "actadd")
        for graded, truth in refusal_pairs(real_data, model, intervention)
    ]
    base, ablated, steered = misclassification_by_condition(*zip(*rows, strict=True), sampled_on="nothing")
    assert (base.condition, ablated.condition, steered.condition) == ("baseline", "ablation", "actadd")
    print([(m.condition, round(m.sensitivity.estimate, 3), round(m.specificity.estimate, 3)) for m in (base, ablated, steered)])
    assert base.specificity.low > 0.88
    assert ablated.specificity.high < 0.3
    assert steered.specificity.high < base.specificity.low


def test_a_designed_sample_is_weighted_by_its_design(real_data):
    """
    The SpeechMap panel: strata and sampling weights as published; production judge against the panel's label.

    The design is not whole: 327 of 3,200 rows have no panel label (1,320 no resolved one), and the figures speak of the
    rest only.
    """
    table = read(real_data / "speechmap_judges" / "panel_3200_labels.csv")
    rows = [row for row in table if row["panel_label"] in CLASSES]
    assert (len(table), len(rows)) == (3200, 2873)
    true = [int(row["panel_label"] == "DENIAL") for row in rows]
    graded = [int(row["production_label"] == "DENIAL") for row in rows]
    weights = [float(row["sampling_weight"]) for row in rows]
    got = misclassification_matrix(
        true,
        graded,
        sampled_on="strata",
        strata=[row["stratum"] for row in rows],
        inclusion_probabilities=[1 / weight for weight in weights],
    )
    hits = sum(w for t, g, w in zip(true, graded, weights, strict=True) if t and g)
    assert got.sensitivity.estimate == pytest.approx(hits / sum(w for t, w in zip(true, weights, strict=True) if t))
    assert got.ppv.estimate == pytest.approx(hits / sum(w for g, w in zip(graded, weights, strict=True) if g))
    pooled = got.table[1][1] / sum(got.table[1])
    print(
        f"n = {got.n}, pooled Se {pooled:.3f}, weighted "
        f"{got.sensitivity.estimate:.3f} [{got.sensitivity.low:.3f}, {got.sensitivity.high:.3f}]"
    )
    assert got.sensitivity.low < got.sensitivity.estimate < got.sensitivity.high
    assert got.prevalence.effective_n < got.n


def test_a_corrected_rate_brings_the_weaker_judge_to_the_stronger(real_data):
    """200 texts labelled per verdict of one judge recover the other judge's DENIAL rate over all 10,947."""
    pairs = [(int(b == "DENIAL"), int(a == "DENIAL")) for a, b in speechmap_pairs(real_data)]
    truth = sum(t for t, _ in pairs) / len(pairs)
    positives = [pair for pair in pairs if pair[1]]
    negatives = [pair for pair in pairs if not pair[1]]
    # every k-th row: a systematic sample, no randomness
    chosen = positives[:: len(positives) // 200][:200] + negatives[:: len(negatives) // 200][:200]
    matrix = misclassification_matrix(*zip(*chosen, strict=True), sampled_on="graded")
    got = corrected_rate(len(positives), len(negatives), matrix)
    print(f"judge {got.graded_rate:.4f}, corrected {got.estimate:.4f} [{got.low:.4f}, {got.high:.4f}], other judge {truth:.4f}")
    assert got.low <= truth <= got.high
