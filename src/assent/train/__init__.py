"""Train: sealed plans, shards and slices, so that any of it can be replayed exactly."""
