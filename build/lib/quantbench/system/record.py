"""Frozen pydantic records: the base of all that is written to disk, and of all settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen record: unknown fields are refused, and so are NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Record):
    """The settings that a user may change on a plug-in; each plug-in derives a class of its own."""
