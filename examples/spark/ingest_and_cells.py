"""Logs on a cluster to cells for ``safescale analyze --cells``: ``spark-submit ingest_and_cells.py LOGS CORPUS CELLS``."""

import sys

from pyspark.sql import SparkSession

from safescale.spark import ingest, write_cells

logs, corpus, cells = sys.argv[1:4]
spark = SparkSession.builder.appName("safescale").getOrCreate()
made = ingest(spark, logs, corpus)
print(made.rows_in, "lines,", dict(made.fates), made.fingerprint)
made.rejects.groupBy("code").count().show()
print("safescale analyze inverse-scaling --cells", write_cells(made, cells))
