"""What the made-up platform is about: dates, categories, countries, the case."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from assent.terms import DAY, parse_time

CASE = Path(__file__).resolve().parents[1] / "examples" / "linkedin" / "case.toml"
PURPOSE = "train.generative.content"
OTHER_PURPOSE = "train.ranking"
RECIPIENT = "linkedin-ireland"

FIRST = parse_time("2003-05-05T00:00:00Z")
NOW = parse_time("2025-12-12T00:00:00Z")
BEFORE = NOW - DAY
"""The earlier instant of `--since`: one day, in which 0.1 % of the events came in."""

# Category -> (share of the documents, mean characters); the mean of all is 400.
CATEGORIES = {
    "post": (0.34, 400),
    "comment": (0.28, 215),
    "article": (0.05, 1900),
    "group_message": (0.12, 300),
    "private_message": (0.13, 250),
    "profile": (0.06, 600),
    "credential": (0.005, 60),
    "payment": (0.005, 60),
    "salary": (0.01, 80),
}

# Country -> share of the people; None: it is not known.
COUNTRIES = {
    "US": 21.0,
    "IN": 14.0,
    "BR": 7.5,
    "GB": 4.5,
    "FR": 3.5,
    "DE": 3.0,
    "CA": 3.0,
    "IT": 2.5,
    "MX": 2.5,
    "ES": 2.4,
    "ID": 3.0,
    "AU": 2.0,
    "TR": 2.0,
    "NL": 1.5,
    "PH": 2.2,
    "ZA": 1.6,
    "CO": 1.6,
    "AR": 1.5,
    "PL": 1.0,
    "SE": 0.9,
    "BE": 0.8,
    "CH": 0.7,
    "PT": 0.7,
    "DK": 0.6,
    "NO": 0.5,
    "IE": 0.5,
    "AT": 0.4,
    "HK": 0.5,
    "NG": 1.5,
    "PK": 1.5,
    "EG": 1.2,
    "JP": 1.0,
    "SG": 0.8,
    "AE": 1.0,
    "NZ": 0.5,
    None: 3.0,
}


def country_names(rng: np.random.Generator, count: int) -> pa.Array:
    """Draw where people live."""
    shares = np.array(list(COUNTRIES.values()))
    drawn = rng.choice(len(COUNTRIES), size=count, p=shares / shares.sum())
    return pa.array(list(COUNTRIES)).take(pa.array(drawn))
