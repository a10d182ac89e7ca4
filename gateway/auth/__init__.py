"""Who is calling: tokens verified, keys fetched, the development secret made."""
