"""Monte Carlo simulation of a story: many simulated players, the real rules, a report."""
