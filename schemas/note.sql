CREATE TABLE "notes" (
  "source_file" TEXT NOT NULL CHECK ("source_file" <> ''),
  "source_row" INTEGER NOT NULL CHECK ("source_row" >= 0),
  "code" TEXT NOT NULL CHECK (("code" = 'HEADER_CONTRADICTS_ROWS' OR "code" = 'CLIPPED_TEXT' OR "code" = 'ONE_OF_SEVERAL' OR "code" = 'POLARITY_UNKNOWN' OR "code" = 'GRADER_FAILED' OR "code" = 'COMPANION_MISSING' OR "code" = 'NOT_ASKED')),
  "column" TEXT,
  "expected" TEXT NOT NULL,
  "got" TEXT NOT NULL
) STRICT;
