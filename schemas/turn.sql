CREATE TABLE "turns" (
  "trace_id" TEXT NOT NULL CHECK ("trace_id" <> ''),
  "turn_index" INTEGER NOT NULL CHECK ("turn_index" >= 0),
  "role" TEXT NOT NULL CHECK (("role" = 'system' OR "role" = 'user' OR "role" = 'assistant' OR "role" = 'tool')),
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 1),
  "content_hash" BLOB NOT NULL CHECK (length("content_hash") = 16),
  "text" TEXT,
  FOREIGN KEY ("trace_id") REFERENCES "traces" ("trace_id") DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE INDEX "turns_trace_id_turn_index" ON "turns" ("trace_id", "turn_index");
