"""The command line of safescale."""
