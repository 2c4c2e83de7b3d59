"""Power against the number of models, and of the models at hand against the effect, at several spreads between models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from safescale.analyses.plan import PowerCurve, StudyPlan
from safescale.analyses.plan.answer import pp_words
from safescale.report.figures.style import INK, MARKERS, MUTED, PAPER, SERIES, SETTINGS, WIDTH_IN, sign

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_power"]

HEIGHT_IN = 3.9
FINE_TICKS_UP_TO = 300


def draw_power(plan: StudyPlan, *, footer: str, watermark: str | None) -> Figure:
    """Two panels where the models at hand make a slope, one where they do not."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    asked = plan.assumptions
    both = bool(plan.curves_effect)
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        axes = figure.subplots(1, 2 if both else 1, sharey=True, squeeze=False)[0]
        left = axes[0]
        _curves(left, plan.curves_models, asked.tau_pp)
        left.set_xscale("log")
        _number_ticks(left, plan.curves_models)
        left.set_title(f"to find {pp_words(asked.effect_pp_per_decade)} pp per decade")
        left.set_xlabel("number of models")
        left.set_ylabel("chance to find it")
        _mark(left, plan)
        if both:
            _curves(axes[1], plan.curves_effect, asked.tau_pp)
            axes[1].set_title(f"with {asked.design.n_models} models")
            axes[1].set_xlabel("effect, pp per decade")
            axes[1].axvline(asked.effect_pp_per_decade, color=MUTED, linewidth=0.9, linestyle=":")
        for axis in axes:
            axis.axhline(asked.power, color=INK, linewidth=0.9, linestyle="--", zorder=1)
            axis.set_ylim(0, 1.02)
            axis.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20 %", "40 %", "60 %", "80 %", "100 %"])
        figure.subplots_adjust(left=0.1, right=0.98, top=0.92, bottom=0.29, wspace=0.08)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.045), ncols=min(len(labels), 4), columnspacing=1.6
        )
        sign(figure, footer=footer, watermark=watermark)
    return figure


def _curves(axis: Axes, curves: Sequence[PowerCurve], known: float | None) -> None:
    for i, curve in enumerate(curves):
        mine = curve.tau_pp == known
        axis.plot(
            curve.x,
            curve.power,
            color=SERIES[i % len(SERIES)],
            marker=MARKERS[i % len(MARKERS)],
            markersize=4.5 if mine else 3.5,
            markevery=max(1, len(curve.x) // 8),
            linewidth=2.4 if mine and len(curves) > 1 else 1.3,
            label=_name(curve.tau_pp) + (" (this plan)" if mine and curve.tau_pp is not None else ""),
        )


def _name(tau_pp: float | None) -> str:
    return "scatter of the fit" if tau_pp is None else f"tau {pp_words(tau_pp) if tau_pp else '0'} pp"


def _number_ticks(axis: Axes, curves: Sequence[PowerCurve]) -> None:
    from matplotlib.ticker import NullLocator

    last = max(curve.x[-1] for curve in curves)
    steps = (3, 5, 10, 20, 50, 100, 200) if last <= FINE_TICKS_UP_TO else (3, 10, 30, 100, 300, 1000)
    ticks = [n for n in steps if n <= last]
    axis.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axis.xaxis.set_minor_locator(NullLocator())


def _mark(axis: Axes, plan: StudyPlan) -> None:
    needed = plan.needed()
    if needed is None or needed.n_models is None or needed.n_models > plan.curves_models[0].x[-1]:
        return
    axis.plot([needed.n_models], [plan.assumptions.power], marker="o", markersize=9, color=INK, markerfacecolor="none", zorder=5)
    axis.annotate(
        f"{needed.n_models:,} models",
        (needed.n_models, plan.assumptions.power),
        xytext=(-9, 5),
        textcoords="offset points",
        ha="right",
        fontsize=8.5,
        color=INK,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
        zorder=4,
    )
