"""Floor 2, opinion: folds over closed candles, one file a strategy."""
