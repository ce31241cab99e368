"""HTML pages: one plan for who has to sign it, and what a review server offers. Pure; every text is escaped."""
