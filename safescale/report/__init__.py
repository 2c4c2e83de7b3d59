"""Result objects to words, tables, figures and pages. Computes nothing."""
