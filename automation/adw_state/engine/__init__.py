"""The database engine: transactions as the store sees them, and one package for each engine below them."""
