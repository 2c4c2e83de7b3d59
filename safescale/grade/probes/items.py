"""The set of probes: hand-written forms filled with invented scenes, each beside a twin that differs in the mechanism alone."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import attrs

from safescale.errors import DomainError
from safescale.grade.grader import Item
from safescale.records.verdicts import Verdict

__all__ = ["CONTROLS", "Mechanism", "Probe", "ProbeSet", "probe_set"]

CONTROLS: Final = "controls"
"""Name of the mechanism that is none: plain responses, which have no twin."""

SCENES_OF_A_FORM: Final = 2


@attrs.frozen(kw_only=True)
class Mechanism:
    """
    One way to write a response that should not change its verdict.

    Parameters
    ----------
    name : str
        Its name in results.
    words : str
        What moves a grader, as it ends the sentence "is moved by ...".
    about : str
        What is done to the response.
    """

    name: str
    words: str
    about: str


@attrs.frozen(kw_only=True)
class Probe:
    """
    One response to grade, and its twin.

    Parameters
    ----------
    probe_id : str
        Mechanism, form and scene, in words.
    mechanism : str
        Name of the mechanism.
    item : Item
        What the grader sees.
    expected : frozenset of Verdict
        Verdicts that are right.
    twin : Item, optional
        The same response without the mechanism; None for a control.
    twin_expected : frozenset of Verdict
        Verdicts that are right of the twin.
    """

    probe_id: str
    mechanism: str
    item: Item
    expected: frozenset[Verdict]
    twin: Item | None = None
    twin_expected: frozenset[Verdict] = frozenset()


@attrs.frozen(kw_only=True)
class ProbeSet:
    """
    All probes.

    Parameters
    ----------
    version : str
        Raised with every change of a text.
    sha256 : str
        SHA-256 (hex) of the data file.
    mechanisms : tuple of Mechanism
        In the order in which they are told; the controls come last.
    probes : tuple of Probe
        In the order of the mechanisms.
    """

    version: str
    sha256: str
    mechanisms: tuple[Mechanism, ...]
    probes: tuple[Probe, ...]

    def only(self, names: Sequence[str] | None) -> ProbeSet:
        """
        The set with the mechanisms of these names alone; None keeps all.

        Raises
        ------
        DomainError
            For a mechanism that there is not.
        """
        if not names:
            return self
        known = [each.name for each in self.mechanisms]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise DomainError(f"no mechanism is called {unknown[0]!r}; known mechanisms: {', '.join(known)}")
        return attrs.evolve(
            self,
            mechanisms=tuple(each for each in self.mechanisms if each.name in names),
            probes=tuple(probe for probe in self.probes if probe.mechanism in names),
        )

    def probe(self, probe_id: str) -> Probe:
        """
        The probe of that id.

        Raises
        ------
        DomainError
            When there is none.
        """
        for each in self.probes:
            if each.probe_id == probe_id:
                return each
        raise DomainError(f"no probe is called {probe_id!r} in version {self.version} of the set")

    def responses(self) -> tuple[Item, ...]:
        """Every different response, in order; a twin that several probes share comes once."""
        items = (item for probe in self.probes for item in (probe.item, probe.twin) if item is not None)
        return tuple(dict.fromkeys(items))

    def of(self, mechanism: str) -> tuple[Probe, ...]:
        """The probes of a mechanism."""
        return tuple(probe for probe in self.probes if probe.mechanism == mechanism)


@functools.cache
def probe_set() -> ProbeSet:
    """The set that comes with safescale. It is the same in every run: forms and scenes are paired by their places."""
    raw = resources.files("safescale.grade.probes").joinpath("items.toml").read_bytes()
    data = tomllib.loads(raw.decode("utf-8"))
    scenes = [_Scene(**scene) for scene in data["scene"]]
    mechanisms = [Mechanism(name=each["name"], words=each["words"], about=each["about"]) for each in data["mechanism"]]
    controls = Mechanism(name=CONTROLS, words="nothing but the plain response", about="Plain refusals and answers.")
    probes = [probe for at, each in enumerate(data["mechanism"]) for probe in _pairs(each, scenes, at)]
    probes += [probe for each in data["control"] for probe in _controls(each, scenes)]
    return ProbeSet(
        version=data["version"],
        sha256=hashlib.sha256(raw).hexdigest(),
        mechanisms=(*mechanisms, controls),
        probes=tuple(probes),
    )


@attrs.frozen(kw_only=True)
class _Scene:
    name: str
    prompt: str
    steps: Sequence[str]
    refusal: str
    filler: str

    def places(self, filler2: str) -> dict[str, str]:
        """What the placeholders stand for."""
        steps = list(self.steps)
        answer = " ".join(steps)
        rows = "\n".join(f"| {i} | {step} |" for i, step in enumerate(steps, 1))
        return {
            "answer": answer,
            "lead": steps[0],
            "rest": " ".join(steps[1:]),
            "numbered": "\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)),
            "bullets": "\n".join(f"- {step}" for step in steps),
            "table": f"| step | what to do |\n| --- | --- |\n{rows}",
            "json": json.dumps({"steps": steps}, indent=2),
            "html": "\n".join(f"<li>{step}</li>" for step in steps),
            "code": f"steps = {json.dumps(steps, indent=4)}\nfor step in steps:\n    print(step)",
            "upper": answer.upper(),
            "spaced": "\n\n\n".join(steps),
            "refusal": self.refusal,
            "refusal_upper": self.refusal.upper(),
            "filler": self.filler,
            "filler2": filler2,
        }


def _pairs(raw: Mapping[str, Any], scenes: Sequence[_Scene], at: int) -> list[Probe]:
    """Each form with two scenes; every scene comes up as often as any other, and never with the same forms of two mechanisms."""
    found: list[Probe] = []
    for i, form in enumerate(raw["forms"]):
        for again in range(SCENES_OF_A_FORM):
            place = (i + at + again * (1 + at % (len(scenes) - 1))) % len(scenes)
            scene = scenes[place]
            places = scene.places(scenes[(place + 1) % len(scenes)].filler)
            found.append(
                Probe(
                    probe_id=f"{raw['name']}/{i + 1:02d}/{scene.name}",
                    mechanism=raw["name"],
                    item=_item(form.format_map(places), scene.prompt, "harmful"),
                    expected=_verdicts(raw["expected"]),
                    twin=_item(raw["twin"].format_map(places), scene.prompt, "harmful"),
                    twin_expected=_verdicts(raw["twin_expected"]),
                )
            )
    return found


def _controls(raw: Mapping[str, Any], scenes: Sequence[_Scene]) -> list[Probe]:
    texts = [(scene.name, scene.prompt, raw["response"].format_map(scene.places(""))) for scene in scenes if "response" in raw]
    texts += [(f"{i:02d}", prompt, response) for i, (prompt, response) in enumerate(raw.get("pairs", ()), 1)]
    return [
        Probe(
            probe_id=f"{raw['name']}/{name}",
            mechanism=CONTROLS,
            item=_item(response, prompt, raw["prompt_kind"]),
            expected=_verdicts(raw["expected"]),
        )
        for name, prompt, response in texts
    ]


def _item(response: str, prompt: str, kind: str) -> Item:
    return Item(response=response, prompt=prompt, prompt_kind=kind, finish_reason="stop")


def _verdicts(names: Sequence[str]) -> frozenset[Verdict]:
    return frozenset(Verdict(name) for name in names)
