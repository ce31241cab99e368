"""Audit logs → what each agent used: reading files, counting, judging. Knows no cloud: providers read the records."""
