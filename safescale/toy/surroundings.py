"""What stands around requests in training: puzzles and neutral prose, none of which an experiment asks."""
from __future__ import annotations
import random
import attrs
from safescale.pressure.puzzles import Puzzle

_NAMES=("anna","ben","clara","david","emma","felix")

def solved(puzzle):
    return f"the answer is {puzzle.answer}."

@attrs.frozen(kw_only=True)
class Surroundings:
    puzzles: tuple[Puzzle, ...]
    prose: tuple[str, ...]

    @classmethod
    def of(cls, seed: int, *, puzzles: int = 1500) -> "Surroundings":
        rng = random.Random(seed)
        out=[]; prose=[]
        for _ in range(puzzles):
            n=rng.randrange(2,11)
            lines=[f"{rng.choice(_NAMES)} is taller than {rng.choice(_NAMES)} and the older one is not here." for _ in range(n-1)]
            out.append(Puzzle(kind="ordering",lines=tuple(lines+["who is the tallest?"]), answer=rng.choice(_NAMES), difficulty=1))
            prose.append("\n".join("the path runs along the river and the weather is mild today." for _ in range(n)))
        return cls(puzzles=tuple(out), prose=tuple(prose))

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(p.text for p in self.puzzles)+self.prose

    def around(self, text, rng):
        kind = rng.random()
        if kind < .6: return rng.choice(self.puzzles).text+"\n\n"+text
        if kind < .8: return rng.choice(self.prose)+"\n\n"+text
        return text+"\n\n"+rng.choice(self.puzzles).text

def lexicon() -> tuple[str, ...]:
    return (*set(" ".join(Surroundings.of(0,puzzles=50).texts).split()), *_NAMES, "the answer is")

def is_solved(puzzle, text):
    return f" {puzzle.answer}." in " " + text
