CREATE TABLE "graders" (
  "grader_id" TEXT NOT NULL PRIMARY KEY CHECK ("grader_id" <> ''),
  "grader_kind" TEXT NOT NULL CHECK ("grader_kind" IN ('human', 'llm', 'classifier', 'keyword', 'imported')),
  "outcome_map" TEXT NOT NULL CHECK ("outcome_map" <> ''),
  "hallucination_refusal" TEXT NOT NULL CHECK ("hallucination_refusal" IN ('harmful_content', 'incoherent_compliance', 'not_used', 'undeclared'))
) STRICT;
