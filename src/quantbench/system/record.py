"""Frozen records, the form of all that is written to disk and of all settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Record):
    """What a user may set on a plug-in; each plug-in derives its own."""
