"""Beyond one machine: strict ingest and cells on Spark, classic or Connect (extra ``spark``)."""

from safescale.spark.corpus import SparkCorpus
from safescale.spark.ingest import ingest
from safescale.spark.mask import broken_rules
from safescale.spark.write_cells import write_cells

__all__ = ["SparkCorpus", "broken_rules", "ingest", "write_cells"]
