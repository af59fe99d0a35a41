"""What is published, each figure from the ledger, the manifests and the models."""
