CREATE TABLE "traces" (
  "trace_id" TEXT NOT NULL PRIMARY KEY CHECK ("trace_id" <> ''),
  "source" TEXT NOT NULL CHECK ("source" <> ''),
  "model_id" TEXT NOT NULL CHECK ("model_id" <> ''),
  "prompt_id" TEXT NOT NULL CHECK ("prompt_id" <> ''),
  "prompt_kind" TEXT NOT NULL CHECK (("prompt_kind" = 'harmful' OR "prompt_kind" = 'benign' OR "prompt_kind" = 'unknown')),
  "attack_class" TEXT NOT NULL CHECK ("attack_class" <> ''),
  "condition" TEXT NOT NULL CHECK ("condition" <> ''),
  "sample_index" INTEGER NOT NULL CHECK ("sample_index" >= 0),
  "response_kind" TEXT NOT NULL CHECK (("response_kind" = 'text' OR "response_kind" = 'withheld' OR "response_kind" = 'none' OR "response_kind" = 'telemetry' OR "response_kind" = 'not_asked')),
  "finish_reason" TEXT NOT NULL CHECK (("finish_reason" = 'stop' OR "finish_reason" = 'length' OR "finish_reason" = 'content_filter' OR "finish_reason" = 'tool_calls' OR "finish_reason" = 'error' OR "finish_reason" = 'timeout' OR "finish_reason" = 'parse_error' OR "finish_reason" = 'unknown')),
  "response_chars" INTEGER CHECK ("response_chars" >= 0),
  "response_sha256" TEXT CHECK (length("response_sha256") = 64 AND "response_sha256" NOT GLOB '*[^0-9a-f]*'),
  "prompt_sha256" TEXT CHECK (length("prompt_sha256") = 64 AND "prompt_sha256" NOT GLOB '*[^0-9a-f]*'),
  "seed" INTEGER,
  "created_at" TEXT,
  "error" TEXT,
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 1),
  "content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16),
  "prompt" TEXT,
  "response" TEXT
) STRICT;

CREATE INDEX "traces_attack_class_model_id_condition" ON "traces" ("attack_class", "model_id", "condition");
