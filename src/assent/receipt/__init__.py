"""Consent receipts: what the subject is handed, and how anybody checks it.

record    the consent record as JSON-LD, a pure function of what the ledger committed to
verify    one receipt in, one verdict out, no network and no trust
"""
