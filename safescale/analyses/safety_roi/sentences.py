"""The answer and its caveats, built from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.safety_roi.results import (
    PlacingLabel,
    ProviderPlace,
    ProviderShare,
    ProviderVerdict,
    RoiOptions,
    Sensitivity,
    SettingRoi,
)
from safescale.analyses.words import and_list, capital, p_clause, p_words, percent, plural, signed
from safescale.stats import CommonalityAnalysis, EtaSquared

__all__ = ["SENSITIVITY_WORDS", "setting_caveats", "setting_words", "share_words"]

SENSITIVITY_WORDS = {
    "other_estimand": "the other way of pooling",
    "common_prompts": "common prompts",
    "prompt_adjusted": "adjusted for prompts",
    "active_parameters": "active parameters",
    "without_estimated_sizes": "without estimated sizes",
    "hosts_as_providers": "hosts counted as providers",
    "without_single_model_providers": "without providers of one model",
    "other_tampering": "the other choice on tampered models",
    "with_models_of_unknown_size": "with models of unknown size",
}
"""Each repetition in words."""

SHOWN_NAMES = 8


def fraction(value: float) -> str:
    """A share as papers print it: ``.653``, ``-.041``."""
    text = f"{value:.3f}"
    if float(text) == 0:
        return ".000"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def share_words(found: ProviderShare) -> str:
    """What provider carries beyond chance, in one clause."""
    share = found.share
    if share is None:
        return f"{found.verdict.value} ({found.unavailable})"
    interval = "" if share.interval is None else f", {100 * share.level:g} % interval {_interval(share.interval)}"
    interval += "" if share.interval is None else " for these very providers"
    omega = share.omega_squared
    if omega is not None and omega > 0:
        words = (
            f"provider carries omega squared {fraction(omega)} of the variance between models beyond what chance gives{interval}"
        )
    else:
        none = (
            ""
            if omega is None
            else f": omega squared {fraction(omega)}, below 0 and so taken as 0"
            if omega < 0
            else ": omega squared .000"
        )
        words = f"provider carries nothing of the variance between models beyond what chance gives{none}{interval}"
    words += f" (eta squared {fraction(share.eta_squared)}, where {plural(found.n_providers, 'provider')} have "
    words += f"{fraction(share.null_expectation)} by chance; permutation {_permutation(share, found)})"
    words += f": {found.verdict.value}"
    return words if found.reason is None else f"{words} ({found.reason})"


def setting_words(setting: SettingRoi, options: RoiOptions) -> str:
    """The answer of one setting."""
    share, line = setting.share, setting.line.slope
    over = f"over {_models_words(setting)} ({setting.estimand})"
    sentences = [f"{over}, {share_words(share)}", _size_words(setting, options)]
    if share.share is not None:
        sentences.append(setting.lineages.words)
    if share.verdict is ProviderVerdict.NOT_SHOWN and share.detectable_icc is not None:
        power = f"power {options.power:g}"
        sentences.append(
            f"this design finds a share of {fraction(share.detectable_icc)} or more, of providers drawn from many, with {power}, "
            "and smaller ones less often"
        )
    if line is not None and setting.places:
        sentences.append(_places_words(setting))
    changes = [_change(repeat) for repeat in setting.sensitivities if repeat.changed]
    sentences += changes
    return " ".join(f"{capital(words)}." for words in sentences if words)


def _models_words(setting: SettingRoi) -> str:
    """The models that are compared; where the provider of some is unknown, how many of the fitted ones those are."""
    share = setting.share
    if not setting.models_without_provider:
        return f"{plural(share.n_models, 'model')} of {plural(share.n_providers, 'provider')}"
    fitted = share.n_models + len(setting.models_without_provider)
    return f"{plural(fitted, 'model')}, {share.n_models} of them of {plural(share.n_providers, 'known provider')}"


def setting_caveats(setting: SettingRoi, copies: Sequence[str]) -> tuple[str, ...]:
    """What the numbers themselves raise."""
    share = setting.share
    found = []
    if setting.models_without_provider:
        found.append(
            f"provider unknown, so in no share of provider: {_names(setting.models_without_provider)} "
            f"({plural(len(setting.models_without_provider), 'model')})"
        )
    if setting.models_of_unknown_size:
        found.append(f"size unknown, so in no fit: {_names(setting.models_of_unknown_size)}")
    if share.single_model_providers:
        found.append(
            f"{len(share.single_model_providers)} of {plural(share.n_providers, 'provider')} "
            f"{'has' if len(share.single_model_providers) == 1 else 'have'} one model, where provider and model are the same "
            f"thing: {_names(share.single_model_providers)}"
        )
    guessed = sum(p.size_is_guess and p.why_not_fitted is None for p in setting.points)
    if guessed:
        found.append(f"{guessed} of {plural(sum(p.why_not_fitted is None for p in setting.points), 'size')} are estimated")
    without_n = sum(p.trials is None and p.why_not_fitted is None for p in setting.points)
    if without_n:
        found.append(
            f"{plural(without_n, 'model')} published without n, which intervals of rates and the least number of rows need"
        )
    if setting.published_rates:
        found.append(
            f"{plural(setting.published_rates, 'published rate')} without rows: common prompts and adjustment for prompts need rows"
        )
    if share.counting_noise_p is not None and share.counting_noise_mean is not None and share.share is not None:
        found.append(
            f"if models differed by the luck of counting alone, provider's share would be {fraction(share.counting_noise_mean)} on "
            f"average, and as large as here with probability {p_words(share.counting_noise_p)}"
        )
    ratio = setting.ratio
    if ratio is not None:
        found.append(
            f"eta squared over R squared is {ratio.ratio:.1f} here and says nothing: {ratio.because}; under no effect of either "
            f"its median is {ratio.null_median:.1f}, and it is as large as here with probability {p_words(ratio.p_as_large)}"
        )
    return (*found, *copies)


def _names(names: Sequence[str]) -> str:
    if len(names) <= SHOWN_NAMES:
        return and_list(list(names))
    return f"{', '.join(names[:SHOWN_NAMES])} and {len(names) - SHOWN_NAMES} more"


def _interval(interval: tuple[float, float]) -> str:
    return f"[{fraction(interval[0])}, {fraction(interval[1])}]"


def _permutation(share: EtaSquared, found: ProviderShare) -> str:
    words = p_clause(share.p_permutation)
    if found.p_floor is not None and share.p_permutation <= found.p_floor * (1 + 1e-9):
        if share.permutation_method == "monte_carlo":
            return f"{words}, the smallest that {share.resamples:,} random assignments can give, 1/{share.resamples + 1:,}"
        return f"{words}, the smallest that any assignment can reach"
    return words


def _size_words(setting: SettingRoi, options: RoiOptions) -> str:
    """What size adds, and its slope."""
    line, joint = setting.line.slope, setting.joint
    if line is None:
        slope = f"no slope on size ({setting.line.unavailable})"
    else:
        interval = setting.line.interval_pp_per_doubling
        ends = "" if interval is None else f" [{signed(interval[0])}, {signed(interval[1])}]"
        p = "" if line.p_value is None else f", {p_clause(line.p_value)}"
        test = setting.line.test
        if test is not None and test.method != "ols_t":
            p += f", by permutation of models {p_clause(test.p_value)}"
        slope = f"the slope on size is {signed(line.slope_pp_per_doubling)} pp per doubling{ends}{p}: {setting.line.words}"
    if joint is None:
        return f"{slope}; what either adds to the other cannot be told ({setting.joint_unavailable})"
    return f"{_joint_words(joint)}{_hidden_words(setting, joint, options.alpha)}; {slope}"


def _joint_words(joint: CommonalityAnalysis) -> str:
    shares = joint.adjusted
    p_size = "" if joint.p_second is None else f" ({p_clause(joint.p_second)})"
    p_provider = "" if joint.p_first is None else f" ({p_clause(joint.p_first)})"
    parts = (shares.unique_second, shares.unique_first, shares.common)
    if min(parts) < 0 or max(parts) > 1:
        # differences of adjusted R squared are shares of nothing once a factor alone stands below what chance gives
        return (
            f"by adjusted R squared size adds {_more(parts[0])}{p_size} to provider, and provider {_more(parts[1])}{p_provider} to "
            f"size; {_more(parts[2])} is common to both (no percentages of the variance: adjusted R squared is below 0 where a "
            "factor carries less than chance gives, and a part below 0 means that each hides the other or adds nothing)"
        )
    return (
        f"size adds {percent(shares.unique_second)}{p_size} to provider, and provider {percent(shares.unique_first)}{p_provider} "
        f"to size, of the variance between models by adjusted R squared; {percent(shares.common)} is common to both"
    )


def _more(value: float) -> str:
    return f"+{fraction(value)}" if value > 0 else fraction(value)


def _hidden_words(setting: SettingRoi, joint: CommonalityAnalysis, alpha: float) -> str:
    """Why provider alone is not told from chance where it adds to size."""
    if setting.share.verdict is not ProviderVerdict.NOT_SHOWN or joint.p_first is None or joint.p_first > alpha:
        return ""
    return (
        "; these are two questions: alone provider is not told from chance, because the sizes of its models are in the spread "
        "within it; beside size, with that spread taken out, it adds"
    )


def _places_words(setting: SettingRoi) -> str:
    """How many providers are placed, and which published labels do not stand."""
    placed = {label: [p.provider for p in setting.places if p.label is label] for label in PlacingLabel}
    told = [
        f"{label.value}: {and_list(placed[label])}"
        for label in (PlacingLabel.OVER, PlacingLabel.UNDER, PlacingLabel.ON_LINE)
        if placed[label]
    ]
    unknown = len(placed[PlacingLabel.CANNOT_TELL])
    words = "beside the line of the others, with Holm over providers, " + ("; ".join(told) if told else "no provider can be placed")
    if told and unknown:
        words += f"; {unknown} cannot be told"
    lost = [p for p in setting.places if p.changed and p.published_label in (PlacingLabel.OVER, PlacingLabel.UNDER)]
    if lost:
        words += f". The rule of report 164 looks at the estimate alone and calls {_by_label(lost, published=True)}; "
        words += f"with the uncertainty of the line and of models: {_by_label(lost, published=False)}"
    return words


def _by_label(places: Sequence[ProviderPlace], *, published: bool) -> str:
    """``a and b over-invested, c under-invested``."""
    named: dict[PlacingLabel, list[str]] = {}
    for place in places:
        named.setdefault(place.published_label if published else place.label, []).append(place.provider)
    if not published and len(named) == 1:
        return f"{next(iter(named)).value}, each of them" if len(places) > 1 else next(iter(named)).value
    return ", ".join(f"{and_list(names)} {label.value}" for label, names in named.items())


def _change(repeat: Sensitivity) -> str:
    words = f"another answer with {SENSITIVITY_WORDS[repeat.name]} ({repeat.reason}): {'; '.join(repeat.what_changed)}"
    if repeat.omega_squared is not None and any(change.startswith("providers") for change in repeat.what_changed):
        p = "" if repeat.p_permutation is None else f", permutation {p_clause(repeat.p_permutation)}"
        words += f" (omega squared {fraction(repeat.omega_squared)}{p})"
    return words
