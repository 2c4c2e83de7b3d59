"""From the user's files to a set of prompts: read, make one of equal ones, find near ones, split, write, account for every row."""

from __future__ import annotations

import enum
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale._version import __version__
from safescale.errors import DataError, SafescaleError
from safescale.generate.prompts.duplicates import Distinct, DroppedNear, distinct_prompts, groups_of_kept, near_dropped
from safescale.generate.prompts.near import PERMUTATIONS, Neighbours, bands_for, near_groups, signatures
from safescale.generate.prompts.placing import Places, place_files, places_of
from safescale.generate.prompts.prompt import Prompt, prompt_line
from safescale.generate.prompts.rows import Draft, FileRead, Reading, read_drafts
from safescale.generate.prompts.sheet import DataSheet, FileFacts, lengths_of, sheet_json, sheet_markdown, tabulated
from safescale.generate.prompts.shingles import SHINGLE_CHARS, folded
from safescale.generate.prompts.splits import DEFAULT_SPLITS, assign_splits, checked_splits
from safescale.ingest.detect import require_paths
from safescale.ingest.identity import sha256_text

__all__ = ["NEAR_THRESHOLD", "NearDuplicates", "PreparedSet", "Preparing", "prepare_prompts"]

NEAR_THRESHOLD: Final = 0.8


class NearDuplicates(enum.StrEnum):
    """What is done about near-duplicates."""

    REPORT = "report"
    DROP = "drop"
    OFF = "off"


@attrs.frozen(kw_only=True)
class Preparing:
    """
    How a set is prepared.

    Parameters
    ----------
    columns : mapping of str to str
        Field (prompt, prompt_kind, attack_class, category, source, source_id) to column, for files that no layout knows.
    source : str, optional
        Source of all prompts. Default: what the rows say, else the name of the layout.
    kind : {"harmful", "benign", "unknown"}, optional
        Kind of the prompts of which the files say nothing.
    near : NearDuplicates
        "report" (default) keeps and lists them, "drop" keeps one of each, "off" does not look.
    near_threshold : float, default 0.8
        Jaccard index (fraction) of their runs of five characters from which two prompts are near.
    splits : mapping of str to float
        Parts and their shares (fractions), which sum to 1.
    split_seed : int, default 0
        Another seed draws other parts.
    licences, origins : mapping of str to str
        By source, for the data sheet.
    command : str
        Command line, for the data sheet.
    """

    columns: Mapping[str, str] = attrs.field(factory=dict)
    source: str | None = None
    kind: str | None = None
    near: NearDuplicates = NearDuplicates.REPORT
    near_threshold: float = NEAR_THRESHOLD
    splits: Mapping[str, float] = attrs.field(factory=lambda: dict(DEFAULT_SPLITS))
    split_seed: int = 0
    licences: Mapping[str, str] = attrs.field(factory=dict)
    origins: Mapping[str, str] = attrs.field(factory=dict)
    command: str = "prepare_prompts"


@attrs.frozen(kw_only=True)
class PreparedSet:
    """The prompts in order of id, their data sheet, and where everything was written."""

    prompts: tuple[Prompt, ...]
    sheet: DataSheet
    places: Places


def prepare_prompts(
    paths: Sequence[Path],
    into: Path,
    preparing: Preparing | None = None,
    *,
    progress: Callable[[str, int], None] | None = None,
    stage: Callable[[str], None] | None = None,
) -> PreparedSet:
    """
    Prepare a set of prompts and write it, with its rejects, duplicates and data sheet beside it.

    The same rows give the same bytes of prompts, in whatever order they come, and a prepared set prepared again is itself.

    Parameters
    ----------
    paths : sequence of Path
        CSV, TSV, JSONL or Parquet files, or folders of them.
    into : Path
        The file of prompts to write (``NAME.jsonl``).
    preparing : Preparing, optional
        How.
    progress, stage : callable, optional
        Told the bytes read of a file; what is being done.

    Raises
    ------
    DataError
        For a path that does not exist, a named file without a prompt, no prompt at all, an output that is an input, a full disk.
    DomainError
        For shares or a threshold that cannot be.
    MissingBackend
        When near-duplicates are looked for without the extra ``prompts``.
    """
    how = preparing or Preparing()
    shares = checked_splits(how.splits)
    if how.near is not NearDuplicates.OFF:
        bands_for(how.near_threshold)
    require_paths(paths)
    places = places_of(into)
    reading = read_drafts(paths, columns=how.columns, source=how.source, kind=how.kind, progress=progress)
    _refuse_own_input(places, reading)
    distinct = distinct_prompts(reading.drafts)
    if not distinct:
        raise DataError(_nothing(reading), file=", ".join(map(str, paths)))
    if stage is not None:
        stage(f"compare {len(distinct):,} prompts")
    kept, dropped, neighbours = _near(distinct, how)
    groups = neighbours.group if neighbours is not None else tuple(range(len(kept)))
    parts = assign_splits([each.prompt_id for each in kept], groups, shares, seed=how.split_seed)
    prompts = tuple(_prompt(each, part) for each, part in zip(kept, parts, strict=True))
    text = "".join(f"{prompt_line(prompt)}\n" for prompt in prompts)
    sheet = _sheet(reading, distinct, prompts, dropped, neighbours, how, places, hashlib.sha256(text.encode()).hexdigest())
    place_files(
        [
            (places.rejects, _lines(_reject_rows(reading))),
            (places.duplicates, _lines(_duplicate_rows(distinct, kept, dropped, neighbours))),
            (places.sheet_json, sheet_json(sheet)),
            (places.sheet_markdown, sheet_markdown(sheet)),
            (places.prompts, text),
        ]
    )
    return PreparedSet(prompts=prompts, sheet=sheet, places=places)


def _near(distinct: list[Distinct], how: Preparing) -> tuple[list[Distinct], list[DroppedNear], Neighbours | None]:
    """What is left, what was dropped as near, and the groups among what is left."""
    if how.near is NearDuplicates.OFF:
        return distinct, [], None
    texts = [folded(each.kept.prompt) for each in distinct]
    signed = signatures(texts)
    neighbours = near_groups(texts, signed, threshold=how.near_threshold)
    if how.near is NearDuplicates.REPORT:
        return distinct, [], neighbours
    dropped = near_dropped(distinct, texts, neighbours, threshold=how.near_threshold)
    gone = {each.dropped for each in dropped}
    places = [i for i in range(len(distinct)) if i not in gone]
    return [distinct[i] for i in places], dropped, groups_of_kept(texts, signed, places, threshold=how.near_threshold)


def _prompt(distinct: Distinct, split: str) -> Prompt:
    row = distinct.kept
    return Prompt(
        prompt_id=distinct.prompt_id,
        prompt=row.prompt,
        prompt_kind=distinct.prompt_kind,
        attack_class=row.attack_class,
        category=row.category,
        split=split,
        source=row.source,
        content_sha256=str(sha256_text(row.prompt)),
        metadata=row.metadata,
    )


def _refuse_own_input(places: Places, reading: Reading) -> None:
    written = {path.resolve() for path in attrs.astuple(places)}
    for each in reading.files:
        if Path(each.file).resolve() in written:
            raise DataError("the output would replace a file that is read; name another with -o", file=each.file)


def _nothing(reading: Reading) -> str:
    first = next(iter(reading.rejects), None)
    why = f"; the first of {sum(1 for _ in reading.rejects)} rejects: {first[1].expected} expected" if first else ""
    return f"no row holds a prompt{why}; nothing was written"


def _sheet(
    reading: Reading,
    distinct: Sequence[Distinct],
    prompts: tuple[Prompt, ...],
    dropped: Sequence[DroppedNear],
    neighbours: Neighbours | None,
    how: Preparing,
    places: Places,
    set_sha256: str,
) -> DataSheet:
    codes = Counter(reject.code.value for _, reject in reading.rejects)
    gone = {each.dropped for each in dropped}
    fates = {
        "prompts": len(prompts),
        "exact_duplicates": sum(len(each.repeats) for each in distinct),
        "near_duplicates_dropped": len(gone),
        "rejects": sum(reject.row > 0 for _, reject in reading.rejects),
        "blank": sum(each.blank for each in reading.files),
    }
    rows = sum(each.rows for each in reading.files)
    if sum(fates.values()) != rows:
        raise SafescaleError(f"{rows} rows were read, {sum(fates.values())} have a fate ({fates}); report this")
    return DataSheet(
        prompts_file=places.prompts.name,
        set_sha256=set_sha256,
        command=how.command,
        safescale=__version__,
        prompts=len(prompts),
        rows=fates,
        near=_near_facts(how, neighbours, len(gone)),
        splits=dict(how.splits),
        split_seed=how.split_seed,
        counts={
            "source": tabulated(prompts, "source"),
            "source_kind_split": tabulated(prompts, "source", "prompt_kind", "split"),
            "source_kind_category": tabulated(prompts, "source", "prompt_kind", "category"),
            "attack_class": tabulated(prompts, "attack_class"),
        },
        contradictions=sum(each.contradicted for each in distinct),
        lengths=lengths_of(prompts),
        licences=dict(how.licences),
        origins=dict(how.origins),
        reject_codes=dict(sorted(codes.items())),
        files=tuple(_file_facts(each) for each in sorted(reading.files, key=lambda each: each.file)),
    )


def _near_facts(how: Preparing, neighbours: Neighbours | None, dropped: int) -> dict[str, Any]:
    if neighbours is None:
        return {"mode": how.near.value}
    cut = bands_for(how.near_threshold)
    members = neighbours.members()
    return {
        "mode": how.near.value,
        "threshold": how.near_threshold,
        "shingle_chars": SHINGLE_CHARS,
        "permutations": PERMUTATIONS,
        "bands": cut.bands,
        "rows": cut.rows,
        "missed": cut.missed,
        "groups": len(members),
        "grouped": sum(map(len, members)),
        "dropped": dropped,
    }


def _file_facts(read: FileRead) -> FileFacts:
    path, digest = Path(read.file), None
    if path.is_file():
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    rejects = len(read.rejects)
    return FileFacts(
        file=read.file, layout=read.layout, sha256=digest, rows=read.rows, prompts=read.drafts, rejects=rejects, blank=read.blank
    )


def _reject_rows(reading: Reading) -> list[dict[str, Any]]:
    rows = [{"file": file, **attrs.asdict(reject)} for file, reject in reading.rejects]
    return sorted(rows, key=lambda row: (row["file"], row["row"], row["code"]))


def _duplicate_rows(
    distinct: Sequence[Distinct], kept: Sequence[Distinct], dropped: Sequence[DroppedNear], neighbours: Neighbours | None
) -> list[dict[str, Any]]:
    """Every row that is not in the set, and every near pair that is: ids, places and hashes, no texts."""
    rows = [
        {"what": "exact_duplicate", "prompt_id": each.prompt_id, "kept_prompt_id": each.prompt_id, "jaccard": 1.0, **_place(row)}
        for each in distinct
        for row in each.repeats
    ]
    for pair in dropped:
        gone, near = distinct[pair.dropped], distinct[pair.kept]
        ids = {"prompt_id": gone.prompt_id, "kept_prompt_id": near.prompt_id}
        rows.append({"what": "near_duplicate_dropped", **ids, "jaccard": pair.jaccard, **_place(gone.kept)})
    for found in neighbours.pairs if neighbours is not None else ():
        ids = {"prompt_id": kept[found.other].prompt_id, "near_prompt_id": kept[found.one].prompt_id}
        rows.append({"what": "near_duplicate_kept", **ids, "jaccard": found.jaccard, **_place(kept[found.other].kept)})
    return sorted(rows, key=lambda row: (str(row["what"]), str(row["prompt_id"]), str(row["file"]), row["row"]))


def _place(row: Draft) -> dict[str, Any]:
    return {"source": row.source, "file": row.file, "row": row.row, "content_sha256": sha256_text(row.prompt)}


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
