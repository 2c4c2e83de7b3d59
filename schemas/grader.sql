CREATE TABLE "graders" (
  "grader_id" TEXT NOT NULL PRIMARY KEY CHECK ("grader_id" <> ''),
  "grader_kind" TEXT NOT NULL CHECK (("grader_kind" = 'human' OR "grader_kind" = 'llm' OR "grader_kind" = 'classifier' OR "grader_kind" = 'keyword' OR "grader_kind" = 'imported')),
  "outcome_map" TEXT NOT NULL CHECK ("outcome_map" <> ''),
  "hallucination_refusal" TEXT NOT NULL CHECK (("hallucination_refusal" = 'harmful_content' OR "hallucination_refusal" = 'incoherent_compliance' OR "hallucination_refusal" = 'not_used' OR "hallucination_refusal" = 'undeclared'))
) STRICT;
