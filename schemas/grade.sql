CREATE TABLE "grades" (
  "trace_id" TEXT NOT NULL CHECK ("trace_id" <> ''),
  "target" TEXT NOT NULL CHECK (("target" = 'text' OR "target" = 'action' OR "target" = 'tool_call')),
  "grader_id" TEXT NOT NULL CHECK ("grader_id" <> ''),
  "grader_kind" TEXT NOT NULL CHECK (("grader_kind" = 'human' OR "grader_kind" = 'llm' OR "grader_kind" = 'classifier' OR "grader_kind" = 'keyword' OR "grader_kind" = 'imported')),
  "verdict" TEXT NOT NULL CHECK (("verdict" = 'COMPLIANCE' OR "verdict" = 'PARTIAL' OR "verdict" = 'REFUSAL' OR "verdict" = 'HALLUCINATION_REFUSAL' OR "verdict" = 'NOT_HARMFUL' OR "verdict" = 'BENIGN_QUERY' OR "verdict" = 'NOT_GRADEABLE' OR "verdict" = 'ERROR' OR "verdict" = 'UNGRADED')),
  "raw_label" TEXT NOT NULL,
  "score" REAL CHECK (abs("score") <= 1.7976931348623157e308),
  "score_scale" TEXT,
  "p_refusal" REAL CHECK ("p_refusal" >= 0 AND "p_refusal" <= 1),
  "p_partial" REAL CHECK ("p_partial" >= 0 AND "p_partial" <= 1),
  "p_compliance" REAL CHECK ("p_compliance" >= 0 AND "p_compliance" <= 1),
  "rubric_version" TEXT,
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 1),
  "content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16),
  FOREIGN KEY ("trace_id") REFERENCES "traces" ("trace_id") DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("grader_id") REFERENCES "graders" ("grader_id") DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX "grades_trace_id" ON "grades" ("trace_id");
