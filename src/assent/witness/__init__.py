"""Witnesses: to be one, to ask some, and to have a time stamped.

keeping     what a witness keeps: its key, and the last head of each log it cosigned
cosigning   what a witness answers to one request (C2SP tlog-witness)
server      the same over HTTP
collect     asks the witnesses of a policy for their cosignatures
stamps      RFC 3161: when did a head exist at the latest
"""
