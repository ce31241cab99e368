"""Desired against live: differences, order, guards, the plan."""
