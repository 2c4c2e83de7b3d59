"""Bytes to checked records and rejects: one file a format, one transaction a file."""

from safescale.ingest.batch import Adapter, Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.decoding import Decoded, decode
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import content_trace_id, own_trace_id
from safescale.ingest.json_input import json_document, object_lines
from safescale.ingest.shards import Shard, numbered, read_shard, shards

__all__ = [
    "Adapter",
    "Batch",
    "Chunk",
    "Decoded",
    "FormatFacts",
    "Gathering",
    "Options",
    "Probe",
    "Records",
    "Shard",
    "Unusable",
    "content_trace_id",
    "decode",
    "json_document",
    "line_chunks",
    "numbered",
    "object_lines",
    "own_trace_id",
    "read_shard",
    "shards",
]
