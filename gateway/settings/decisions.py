"""The settings for decisions: credit limits, inquiries and due transitions."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings


class DecisionSettings(BaseSettings):
    """Credit limits, the inquiry budget, and the interval of the decision scheduler."""

    credit_limits: str = Field(
        "UNSCORED 200.00 CNY, BUILDING 200.00 CNY, FAIR 3000.00 CNY, GOOD 8000.00 CNY, VERY_GOOD 15000.00 CNY, "
        "EXCELLENT 30000.00 CNY",
        description="Comma-separated credit limits by tier and currency: the largest exposure of one person at all "
        "merchants together. A tier that is not listed has the limit of the next lower tier. Without any limit nothing "
        "is approved.",
    )
    inquiries_per_hour: int | None = Field(
        None,
        ge=1,
        le=10_000_000,
        description="The largest number of reads of one partner's merchants about one person within an hour: tiers, "
        "scores, threshold inquiries, previews and requests, each alias of a document counted. If absent, 60 in live "
        "and 100000 in a sandbox.",
    )
    clock_interval: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How often a server looks for decisions with due transitions.",
    )
