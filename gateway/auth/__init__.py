"""Who is calling: tokens verified, keys fetched, development secrets made."""
