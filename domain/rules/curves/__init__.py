"""XP and strength curves: formulas, tables, published ones."""
