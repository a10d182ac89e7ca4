"""One user's rows, history and receipts, and the collections they stand in."""
