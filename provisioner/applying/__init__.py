"""Carries out a verified plan: each operation journaled, each agent's authority checked before and after."""
