"""Rules, findings and boundary tests: what a plan may not do, and what its owners must accept."""
