"""Graph components and the pure modules behind them."""
