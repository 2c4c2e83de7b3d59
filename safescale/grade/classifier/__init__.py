"""Default classifier of refusals."""
