"""Text that may train: personal data removed, bucketed by shard, sealed by hashes."""
