"""The two tables that every platform brings: documents and subjects."""

import pyarrow as pa

DOCUMENTS = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subject_id", pa.string()),  # author; null: nobody known, never used
        pa.field("category", pa.string()),
        pa.field("created_at", pa.int64()),  # microseconds UTC
        pa.field("text", pa.string()),
        pa.field("in_reply_to", pa.string()),  # a document_id
        pa.field("mentions", pa.list_(pa.string())),  # subject ids
        # Who else takes part, as known at load: thread, connections. Subject ids; names
        # of one word are looked for in this text only where their bearers take part.
        pa.field("near", pa.list_(pa.string())),
    ]
)

RESIDENCE = pa.struct([("country", pa.string()), ("valid_from", pa.int64())])

SUBJECTS = pa.schema(
    [
        pa.field("subject_id", pa.string(), nullable=False),
        # Where she lives now, undated: what `residences` says of an instant wins.
        pa.field("country", pa.string()),  # ISO 3166-1 alpha-2; null: unknown
        pa.field("birth_year", pa.int32()),  # null: unknown
        pa.field("age_band", pa.string()),  # `adult` or `minor`; null: unknown
        pa.field("tier", pa.string()),  # such as `premium`; null: unknown
        # Where she lived from when on, microseconds UTC; null: not known.
        pa.field("residences", pa.list_(RESIDENCE)),
        # The directory: used to find a person's traces in texts. The first usable
        # e-mail is also where `notify` writes to.
        pa.field("names", pa.list_(pa.string())),
        pa.field("handles", pa.list_(pa.string())),
        pa.field("emails", pa.list_(pa.string())),
        pa.field("phones", pa.list_(pa.string())),
        pa.field("urls", pa.list_(pa.string())),
        pa.field("employer", pa.string()),
    ]
)
