"""Trees that commit, and proofs that anyone can check.

log         the append-only log: inclusion and consistency (RFC 6962, RFC 9162)
prefix      who is in a set and who is NOT, without trust in any order
note        the signed tree head (C2SP signed note, Ed25519)
cosign      a witness's signature below a tree head (C2SP tlog-cosignature)
quorum      which logs and how many witnesses make a head count (C2SP tlog-policy)
commitment  what a subject's secret turns into before it is made public
strict      JSON that has exactly one reading
entry       the public entries that a verifier reads, and the closure of a model
"""
