"""What an AWS policy means: canonical form, evaluation, comparison. Pure functions; no network, no clock, no boto3."""
