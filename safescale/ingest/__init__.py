"""Bytes to checked records and rejects: one file a format, one transaction a file."""

from safescale.ingest.batch import Adapter, Batch, Options, Probe
from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.decoding import Decoded, decode
from safescale.ingest.shards import Shard, numbered, read_shard, shards

__all__ = [
    "Adapter",
    "Batch",
    "Chunk",
    "Decoded",
    "Options",
    "Probe",
    "Shard",
    "decode",
    "line_chunks",
    "numbered",
    "read_shard",
    "shards",
]
