"""What all sections of the params share: strictness, and types with bounds."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
HalfShare = Annotated[float, Field(ge=0, le=0.5)]
Seed = Annotated[int, Field(ge=0)]
Auto = Literal["auto"]
Threads = Auto | Annotated[int, Field(ge=1, le=256)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Section(BaseModel):
    # Strict: "8" is not 8 and yes is not true; but 1 is a fine float.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
