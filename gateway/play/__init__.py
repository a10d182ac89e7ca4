"""`/play`: a page to play on, served where tokens are signed with the development secret."""
