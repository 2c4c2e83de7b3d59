CREATE TABLE "models" (
  "model_id" TEXT NOT NULL PRIMARY KEY CHECK ("model_id" <> ''),
  "canonical_id" TEXT NOT NULL CHECK ("canonical_id" <> ''),
  "params_total_b" REAL CHECK ("params_total_b" > 0 AND abs("params_total_b") <= 1.7976931348623157e308),
  "params_active_b" REAL CHECK ("params_active_b" > 0 AND abs("params_active_b") <= 1.7976931348623157e308),
  "size_source" TEXT NOT NULL CHECK (("size_source" = 'published' OR "size_source" = 'name' OR "size_source" = 'declared' OR "size_source" = 'estimated' OR "size_source" = 'unknown')),
  "size_note" TEXT,
  "developer" TEXT,
  "host" TEXT,
  "family" TEXT,
  "lineage" TEXT,
  "generation" TEXT,
  "released" TEXT,
  "tampering" TEXT NOT NULL CHECK (("tampering" = 'none' OR "tampering" = 'abliterated' OR "tampering" = 'fine_tuned' OR "tampering" = 'steered' OR "tampering" = 'unknown')),
  "tampering_detail" TEXT
) STRICT;
