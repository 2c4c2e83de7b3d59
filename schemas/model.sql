CREATE TABLE "models" (
  "model_id" TEXT NOT NULL PRIMARY KEY CHECK ("model_id" <> ''),
  "canonical_id" TEXT NOT NULL CHECK ("canonical_id" <> ''),
  "params_total_b" REAL CHECK ("params_total_b" > 0 AND abs("params_total_b") <= 1.7976931348623157e308),
  "params_active_b" REAL CHECK ("params_active_b" > 0 AND abs("params_active_b") <= 1.7976931348623157e308),
  "size_source" TEXT NOT NULL CHECK ("size_source" IN ('published', 'name', 'declared', 'estimated', 'unknown')),
  "developer" TEXT,
  "host" TEXT,
  "family" TEXT,
  "lineage" TEXT,
  "generation" TEXT,
  "released" TEXT,
  "tampering" TEXT NOT NULL CHECK ("tampering" IN ('none', 'abliterated', 'fine_tuned', 'steered', 'unknown')),
  "tampering_detail" TEXT
) STRICT;
