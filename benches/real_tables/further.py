"""Further tables, beside the development tables of `sources`.

They were chosen, with their targets and what is dropped, before any of them had been fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pandas as pd

from real_tables.sources import LEAK, Table


def _of(
    source: str,
    target: str,
    task: Literal["classes", "number"],
    leaks: str = "",
    rows: int | None = None,
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    name: str = "",
) -> Table:
    """Return a table, by the name of its item if it has none of its own."""
    name = name or source.rpartition("/")[2].replace("_", " ")
    return Table(name, source, target, task, dict.fromkeys(leaks.split(), LEAK), rows, prepare)


def _days(name: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a function that makes of dates the days since 1970, which all methods can read."""

    def prepare(frame: pd.DataFrame) -> pd.DataFrame:
        dates = pd.to_datetime(frame[name], format="ISO8601", utc=True)
        return frame.assign(**{name: (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)})

    return prepare


FURTHER = (
    _of("Stat2Data/Hawks", "Species", "classes", name="hawks"),
    _of("AER/NMES1988", "visits", "number", name="nmes visits"),
    _of(
        "openintro/loans_full_schema",
        "interest_rate",
        "number",
        "grade sub_grade installment balance paid_total paid_principal paid_interest paid_late_fees "
        "loan_status",
        rows=6000,
        name="loans",
    ),
    _of("dplyr/storms", "wind", "number", "category status", rows=8000),
    _of("dslabs/us_contagious_diseases", "count", "number", rows=8000, name="contagion"),
    _of("dslabs/gapminder", "life_expectancy", "number", rows=8000),
    _of("HSAUR/Forbes2000", "marketvalue", "number", "rank", name="forbes"),
    _of("mosaicData/Births", "births", "number", prepare=_days("date"), name="births"),
    _of("gt/sp500", "volume", "number", rows=8000, prepare=_days("date")),
    _of("ggplot2/txhousing", "median", "number", "volume", rows=8000, name="housing tx"),
    _of("vcd/Bundesliga", "HomeGoals", "number", rows=8000, prepare=_days("Date"), name="bundesliga"),
    _of(
        "sampleSelection/RandHIE",
        "mdvis",
        "number",
        "outpdol drugdol suppdol mentdol inpdol meddol totadm inpmis mentvis notmdvis lnmeddol binexp",
        rows=8000,
        name="rand",
    ),
    _of("crch/RainIbk", "rain", "number", name="rain"),
    _of("sandwich/InstInnovation", "cites", "number", "patents subsample", name="patents"),
    _of("Ecdat/HHSCyberSecurityBreaches", "Individuals.Affected", "number", name="breaches"),
    _of("dslabs/trump_tweets", "retweet_count", "number", "favorite_count", rows=8000, name="tweets"),
    _of("openintro/yrbss", "weight", "number", rows=8000, name="yrbss weight"),
    _of("wooldridge/airfare", "fare", "number", "lfare"),
    _of("openintro/mlb_teams", "wins", "number", "losses rank", name="mlb wins"),
    _of("wooldridge/countymurders", "murders", "number", "murdrate", rows=8000, name="murders"),
    _of("openintro/epa2021", "comb_mpg", "number", "city_mpg hwy_mpg", name="epa"),
    _of("plyr/baseball", "hr", "number", "rbi", rows=8000, name="baseball hr"),
    _of("stevedata/anes_partytherms", "therm_dem", "number", rows=6000, name="therm"),
    _of("openintro/hfi", "hf_score", "number", "hf_rank hf_quartile"),
    _of("sklearn/diabetes", "target", "number"),
    _of("openintro/fastfood", "calories", "number"),
    _of("wooldridge/mlb1", "salary", "number", "lsalary", name="mlb salary"),
    _of("openintro/birds", "phase_of_flt", "classes", rows=8000),
    _of("AER/ResumeNames", "call", "classes", name="resume"),
    _of("modeldata/taxi", "tip", "classes"),
    _of("DAAG/nassCDS", "dead", "classes", "injSeverity", rows=8000, name="nass"),
    _of("kernlab/musk", "Class", "classes"),
    _of("mlbench/Soybean", "Class", "classes", name="soybean"),
    _of("mlbench/Shuttle", "Class", "classes", rows=8000, name="shuttle"),
    _of("mlbench/HouseVotes84", "Class", "classes", name="votes"),
    _of("mlbench/Vehicle", "Class", "classes", name="vehicle"),
    _of("mlbench/PimaIndiansDiabetes2", "diabetes", "classes", name="pima"),
    _of(
        "openintro/mn_police_use_of_force",
        "force_type",
        "classes",
        "force_type_action",
        rows=8000,
        name="police",
    ),
    _of("ISLR/Caravan", "Purchase", "classes", name="caravan"),
    _of("carData/Chile", "vote", "classes", name="chile"),
    _of("causaldata/nhefs", "death", "classes", "yrdth modth dadth"),
    _of("medicaldata/covid_testing", "result", "classes", "ct_result", rows=8000, name="covid"),
    _of("openintro/email", "spam", "classes"),
    _of("survival/pbcseq", "status", "classes", "futime"),
    _of("wooldridge/happiness", "happy", "classes", "vhappy", rows=8000, name="happy"),
    _of("psych/bfi", "education", "classes"),
    _of("sklearn/digits", "target", "classes"),
    _of("dslabs/olive", "area", "classes", "region"),
    _of("Ecdat/Car", "choice", "classes", name="car choice"),
    _of("mlmRev/Chem97", "score", "classes", rows=8000, name="chem97"),
    _of("modeldata/grants_other", "class", "classes", rows=4000, name="grants"),
)
"""353 to 10,000 rows each; none of them is a development table."""
