"""What scripts/bench measures: rows of figures, each beside its yardstick in the same run."""
