CREATE TABLE "rejects" (
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 0),
  "code" TEXT NOT NULL CHECK ("code" <> ''),
  "column" TEXT,
  "expected" TEXT NOT NULL CHECK ("expected" <> ''),
  "got" TEXT NOT NULL,
  "raw_sha256" TEXT CHECK (length("raw_sha256") = 64 AND "raw_sha256" NOT GLOB '*[^0-9a-f]*')
) STRICT;
