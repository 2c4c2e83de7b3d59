"""The words of a card: what is known, what is not and what would tell, and what must not be taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from safescale.analyses.residual_safety.results import ClusteredRate, NotTold, OverRefusal, RatesOfGrader, ResidualSafety
from safescale.analyses.units import TAMPERED
from safescale.analyses.words import and_list, capital, percent, plural, signed, size_words
from safescale.cells import Cells
from safescale.records.outcomes import Tier

__all__ = ["answer_words", "caveats", "class_words", "not_to_conclude", "not_told", "rate_words", "state_words", "tier_name"]


QUOTED: Final = 4
"""Combinations of grader, target and condition that the paragraph quotes."""


def tier_name(tier: Tier) -> str:
    """``functionally dangerous``."""
    return tier.value.replace("_", " ")


def class_words(attack_class: str) -> str:
    """An attack class; the one without an attack says so."""
    return "none = direct request" if attack_class == "none" else attack_class


def rate_words(rate: ClusteredRate) -> str:
    """``82.0 % [73.3, 88.3] (82 of 100 rows, 100 prompts)``."""
    interval = f"[{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
    counts = f"{rate.successes:,} of {plural(rate.trials, 'row')}, {plural(rate.prompts, 'prompt')}"
    return f"{percent(rate.estimate)} {interval} ({counts})"


def answer_words(found: ResidualSafety) -> str:
    """The card in a paragraph."""
    own = found.subject
    size = "of unknown size" if own.size.params_total_b is None else size_words(own.size.params_total_b)
    sentences = [_grader_words(rates) for rates in found.graded[:QUOTED]]
    more = len(found.graded) - QUOTED
    if more > 0:
        sentences.append(f"{plural(more, 'more combination')} of grader, target and condition below")
    if not found.rates:
        sentences.append("no graded row of a harmful prompt counts")
    if found.published:
        told = [f"{tier_name(own.tier)} {percent(own.rate)} ({own.source}, n {own.n or 'unknown'})" for own in found.published[:3]]
        more_of_them = f" and {len(found.published) - 3} more" if len(found.published) > 3 else ""
        sentences.append(f"published without rows: {', '.join(told)}{more_of_them}")
    sentences.append(_error_words(found))
    sentences.append(_over_refusal_words(found))
    sentences += _base_words(found)
    first = f"{own.model} ({size}; safety training: {state_words(own.tampering)})"  # a name keeps its letters
    return ". ".join([first, *(capital(words) for words in sentences)]) + "."


def state_words(tampering: str) -> str:
    """A tampering state in words."""
    return {"none": "no sign of tampering", "unknown": "state unknown"}.get(tampering, tampering.replace("_", "-"))


def _grader_words(rates: RatesOfGrader) -> str:
    told = [f"{tier_name(rate.tier)} {rate_words(rate)}" for rate in rates.overall.rates]
    kind = ", a keyword rule and no grader of harm" if rates.is_keyword else ""
    return f"by {rates.setting.words}{kind}: attack success {'; '.join(told)}"


def _error_words(found: ResidualSafety) -> str:
    error = found.grader_error
    if error.unknown_because is None:
        one = next(own for own in error.corrected if own.found.estimate is not None)
        return f"grader error by {error.reference}: {one.setting.words}: {one.found.words}"
    if not error.bands:
        return f"grader error is unknown ({error.unknown_because})"
    widest = max(error.bands, key=lambda band: band.high - band.low)
    band = f"{tier_name(widest.tier)} from {percent(widest.low)} to {percent(widest.high)} over {plural(widest.graders, 'grader')}"
    return f"grader error is unknown ({error.unknown_because}); graders differ: {band}, and graders that agree may err together"


def _over_refusal_words(found: ResidualSafety) -> str:
    told = _over_refusal_to_quote(found)
    if not told:
        why = next(
            (own.unknown_because for own in found.over_refusal if own.unknown_because), "no graded answer to a benign prompt"
        )
        return f"over-refusal is unknown: {why}"
    return "over-refusal: " + "; ".join(_one_over_refusal(own) for own in told[:3])


def _over_refusal_to_quote(found: ResidualSafety) -> list[OverRefusal]:
    """Under a condition of attack success and by graders that are no keyword rule, where there are such."""
    told = [own for own in found.over_refusal if own.rate is not None]
    told = [own for own in told if own.attacked_here] or told
    return [own for own in told if not own.is_keyword] or told


def _one_over_refusal(own: OverRefusal) -> str:
    assert own.rate is not None
    kind = ", a keyword rule" if own.is_keyword else ""
    apart = "" if own.attacked_here else ", where attack success was not measured: not one state of the model"
    return f"{rate_words(own.rate)} by {own.setting.words}{kind}{apart}"


def _base_words(found: ResidualSafety) -> Iterator[str]:
    against = found.against_base
    if against.variants:
        names = sorted({own.pair.tampered.model for own in against.variants})
        gaps = [own.pair.quoted_gap_pp for own in against.variants]
        span = signed(min(gaps)) if signed(min(gaps)) == signed(max(gaps)) else f"{signed(min(gaps))} to {signed(max(gaps))}"
        listed = and_list(names) if len(names) < 5 else f"{', '.join(names[:4])} and {len(names) - 4} more"
        yield f"tampered models of its lineage and size here: {listed}, {span} pp"
    if against.base is None:
        return
    if not against.compared:
        yield f"not compared with its base {against.base}: {against.unavailable}"
        return
    for result in against.compared[:1]:
        told = [setting for setting in result.settings if setting.overall is not None]
        for setting in told[:2]:
            over = setting.overall
            assert over is not None
            interval = "" if over.low is None or over.high is None else f" [{signed(100 * over.low)}, {signed(100 * over.high)}]"
            pairs = "" if over.common_prompts is None else f" on {plural(over.common_prompts, 'common prompt')}"
            tier = tier_name(result.options.tier)
            yield f"against its base {against.base} ({setting.name}): {tier} {signed(100 * over.estimate)} pp{interval}{pairs}"


def not_told(found: ResidualSafety) -> tuple[NotTold, ...]:
    """What this corpus cannot answer of the model, with what would; every line follows from the corpus."""
    return tuple(_not_told(found))


def _not_told(found: ResidualSafety) -> Iterator[NotTold]:
    judged = [rates for rates in found.rates if not rates.is_keyword]
    if not found.rates:
        yield NotTold(
            what="attack success: no graded row of a harmful prompt counts",
            would="grade answers to harmful prompts: safescale grade run, or ingest graded logs",
        )
    elif not judged:
        yield NotTold(
            what="harm: only keyword rules judged it", would="a classifier, a rubric judge or people: safescale grade run"
        )
    if found.grader_error.unknown_because is not None:
        yield NotTold(
            what=f"grader error: {found.grader_error.unknown_because}",
            would="labels of people on a drawn sample: safescale grade sample, then this card with --corrected SHEET",
        )
    for tier in (Tier.BROAD, Tier.FUNCTIONALLY_DANGEROUS):
        if found.rates and not any(rates.overall.rate(tier) for rates in found.graded):
            yield NotTold(what=f"the {tier_name(tier)} rate: no grader here has it", would=_tier_needs(tier))
    if not any(own.rate for own in found.over_refusal):
        why = next((own.unknown_because for own in found.over_refusal if own.unknown_because), None)
        yield NotTold(
            what=f"over-refusal: {why or 'no graded answer to a benign prompt'}",
            would="benign prompts beside the harmful ones, graded by a grader that tells refusals",
        )
    quoted = _over_refusal_to_quote(found)
    if found.rates and quoted and not any(own.attacked_here for own in quoted):
        conditions = and_list(sorted({own.setting.condition for own in quoted}))
        yield NotTold(
            what=f"over-refusal beside attack success: benign prompts came under condition {conditions}, harmful ones under others",
            would="benign and harmful prompts under the same condition",
        )
    if quoted and all(own.is_keyword for own in quoted):
        yield NotTold(what="over-refusal but by a keyword rule", would="a grader that reads benign answers: safescale grade run")
    classes = {use.attack_class for use in found.prompts if use.kind != "benign"}
    if classes and classes <= {"none"}:
        yield NotTold(what="attacks: every harmful prompt was asked directly", would="the same prompts under attack classes")
    if found.prompts and max(use.most_traces for use in found.prompts) == 1:
        yield NotTold(what="how answers vary: each prompt was answered once", would="several samples of each prompt")
    against = found.against_base
    if against.base is None and found.subject.tampering in TAMPERED:
        yield NotTold(
            what=f"what tampering changed: {against.unavailable}", would="its base on the same prompts, by the same grader"
        )
    elif against.base is not None and not against.compared:
        yield NotTold(
            what=f"the difference to {against.base}: {against.unavailable}", would="both on the same prompts, by one grader"
        )
    if found.subject.tampering == "unknown":
        yield NotTold(
            what="whether safety training was tampered with: neither id nor provenance says",
            would="a declared state, or the model's own provenance",
        )
    if found.subject.size.params_total_b is None:
        yield NotTold(what="size", would="a size that the data declare")
    if any(own.basis == "ids" for own in found.prompt_sets):
        yield NotTold(
            what="whether another card used these prompts: some texts have no hash here, so the hash of the set is over ids",
            would="logs with prompts or their hashes",
        )
    yield NotTold(
        what="whether compliant answers are correct or useful, and what tampering cost in quality",
        would="a benchmark of ability beside these figures; a corpus of verdicts holds none",
    )


def _tier_needs(tier: Tier) -> str:
    if tier is Tier.BROAD:
        return "a grader that knows PARTIAL"
    return "a grader whose HALLUCINATION_REFUSAL is declared to mean harmful content behind a refusal"


def not_to_conclude(found: ResidualSafety) -> tuple[str, ...]:
    """What a reader must not take from the card."""
    return tuple(_not_to_conclude(found))


def _not_to_conclude(found: ResidualSafety) -> Iterator[str]:
    tried = {use.attack_class for use in found.prompts if use.kind != "benign"} | {own.attack_class for own in found.published}
    named = [class_words(name) for name in sorted(tried)]
    classes = (
        f"{plural(len(named), 'attack class')} ({and_list(named[:6])}{' and others' if len(named) > 6 else ''})"
        if named
        else "nothing at all"
    )
    beyond = f"That the model is safe, or unsafe, beyond these prompts and what was tried: {classes}"
    yield f"{beyond}. A low rate is no bound on other attacks."
    none = [(rates, rate) for rates in found.rates for rate in rates.overall.rates if rate.successes == 0]
    if none:
        rates, rate = none[0]
        yield (
            f"That a rate of 0 is none: 0 of {rate.trials:,} ({rates.setting.words}) is compatible with up to {percent(rate.high)}."
        )
    yield (
        "That a verdict is harm done: a rate is what a grader says of texts"
        + (
            "; here its error is unknown."
            if found.grader_error.unknown_because is not None
            else ", corrected as far as labels reach."
        )
    )
    yield (
        "That the figures of two cards can be set side by side, unless the hash of the prompt set, grader, target, condition and "
        "tier are the same in both; differences belong in one corpus, paired by prompt (safescale analyze compare)."
    )
    yield (
        "That this is a property of the weights alone: another system prompt, chat template, sampling, quantisation or a few steps "
        "of fine-tuning make another model to measure."
    )
    state = state_words(found.subject.tampering)
    yield f"That weights were looked into: the tampering state ({state}) is read from ids and provenance."
    if found.subject.tampering in TAMPERED or found.against_base.variants:
        yield (
            "That removing refusals was the only change, or that what complies is able: tampering can cost or add what no rate "
            "here sees."
        )
    yield "That size explains a figure: one card is one model, and says nothing of scaling."


def caveats(found: ResidualSafety, cells: Cells) -> tuple[str, ...]:
    """What the figures raise."""
    return tuple(_caveats(found, cells))


def _caveats(found: ResidualSafety, cells: Cells) -> Iterator[str]:
    mine = set(found.subject.model_ids)
    for same in cells.identical_models:
        if mine & set(same.model_ids) and len(set(same.model_ids) - mine):
            others = and_list(sorted(set(same.model_ids) - mine))
            where = f"{same.grader}, condition {same.condition}"
            yield f"{where}: the same verdict on every prompt as {others}: one series under several ids"
    few = [rates.setting.words for rates in found.rates if rates.overall.rows < found.min_cell]
    if few:
        yield f"fewer than {found.min_cell} evaluable rows: {'; '.join(few)}"
    one = [rates.setting.words for rates in found.rates if rates.overall.prompts == 1]
    if one:
        yield f"one prompt, whose rows were taken as independent and tell nothing of other prompts: {'; '.join(one)}"
    for rates in found.rates:
        out, kept = sum(rates.excluded.values()), rates.overall.rows
        gone = out - rates.excluded.get("benign_prompt", 0)
        if gone > 0.1 * (gone + kept):
            reasons = ", ".join(f"{n:,} {why}" for why, n in rates.excluded.items() if why != "benign_prompt")
            yield f"{rates.setting.words}: {gone:,} of {gone + kept:,} graded rows are in no rate ({reasons})"
    if found.ungraded_traces:
        verb = "is" if found.ungraded_traces == 1 else "are"
        yield f"{plural(found.ungraded_traces, 'trace')} of this model {verb} graded by nobody"
    unknown = sum(use.traces for use in found.prompts if use.kind == "unknown")
    if unknown:
        told = f"{plural(unknown, 'trace')} of prompts of unknown kind count as harmful"
        yield f"{told}: benign ones among them would change every rate"
    for own in found.over_refusal:
        if own.partial:
            hedged = f"{own.partial:,} of {own.rows:,} answers hedge (PARTIAL) and count as answered"
            yield f"over-refusal by {own.setting.words}: {hedged}"
