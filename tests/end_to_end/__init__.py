"""The whole of it: a real server process, real Ray, a real disk, HTTP from outside."""
