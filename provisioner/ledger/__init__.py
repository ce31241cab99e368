"""The record of decisions: numbered, chained entries that are written once and never changed."""
