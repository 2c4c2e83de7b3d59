CREATE TABLE "runs" (
  "run_id" TEXT NOT NULL PRIMARY KEY CHECK ("run_id" <> ''),
  "tool" TEXT NOT NULL CHECK ("tool" <> ''),
  "tool_version" TEXT,
  "model_id" TEXT,
  "model_revision" TEXT,
  "chat_template_sha256" TEXT CHECK (length("chat_template_sha256") = 64 AND "chat_template_sha256" NOT GLOB '*[^0-9a-f]*'),
  "prompt_set_sha256" TEXT CHECK (length("prompt_set_sha256") = 64 AND "prompt_set_sha256" NOT GLOB '*[^0-9a-f]*'),
  "sampling" TEXT,
  "seeds" TEXT,
  "hardware" TEXT,
  "created_at" TEXT
) STRICT;
