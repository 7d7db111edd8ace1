"""What every section of the settings has in common."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

USER_DATA = Path("user_data")

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A part of the configuration: immutable, and unknown keys are errors.

    Every field has a description with its unit. Error messages and docs/settings.md are made from the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def below(self, user_data: Path) -> Self:
        """Return the same with every path that was not configured below another folder than `user_data`.

        A path that was configured stays as it is: if it is relative, it starts at the current folder.
        """
        changed: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if isinstance(value, Section):
                changed[name] = value.below(user_data)
            elif isinstance(field.default, Path) and name not in self.model_fields_set:
                changed[name] = user_data / field.default.relative_to(USER_DATA)
        return self.model_copy(update=changed)
