CREATE TABLE "aggregates" (
  "aggregate_id" TEXT NOT NULL PRIMARY KEY CHECK ("aggregate_id" <> ''),
  "source" TEXT NOT NULL CHECK ("source" <> ''),
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 1),
  "model_id" TEXT NOT NULL CHECK ("model_id" <> ''),
  "attack_class" TEXT NOT NULL CHECK ("attack_class" <> ''),
  "condition" TEXT NOT NULL CHECK ("condition" <> ''),
  "outcome" TEXT NOT NULL CHECK (("outcome" = 'strict' OR "outcome" = 'broad' OR "outcome" = 'functionally_dangerous')),
  "grader_id" TEXT NOT NULL CHECK ("grader_id" <> ''),
  "rate" REAL NOT NULL CHECK ("rate" >= 0 AND "rate" <= 1),
  "n" INTEGER CHECK ("n" >= 1),
  "interval_low" REAL CHECK ("interval_low" >= 0 AND "interval_low" <= 1),
  "interval_high" REAL CHECK ("interval_high" >= 0 AND "interval_high" <= 1),
  "content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16)
) STRICT;
