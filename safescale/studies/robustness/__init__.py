"""Does attack compute overwhelm scale? Models, attacks, compute, defences and seeds, from weights to an answer."""
