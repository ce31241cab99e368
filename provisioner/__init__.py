"""Plans, signs and applies the authority of AI agents."""
