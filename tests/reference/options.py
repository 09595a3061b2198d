"""The switches of the rules, section 6, as plain data."""

from dataclasses import dataclass

VENDOR_OPT_OUTS = (
    "ses:no-track",
    "clicktracking=off",
    "data-pm-no-track",
    "mc:disable-tracking",
    "data-msys-clicktrack=0",
    "disable-tracking",
    "data-no-track",
    "class=untracked",
    "class=mktnotrack",
    "autotrack=false",
    "mb_dontconvertlink",
)


@dataclass(frozen=True)
class ReferenceSwitches:
    """`skip` holds regular expressions only: what the preset `one-time` means is not the twin's business."""

    opt_out: tuple[str, ...] = ()
    outlook: bool = False
    skip: tuple[str, ...] = ()
    track_placeholders: bool = False
    tag_limit: int = 65536

    @property
    def opt_out_items(self) -> tuple[str, ...]:
        """The built-in attribute and the configured ones, the preset spelled out."""
        items = ["data-as-no-track"]
        for item in self.opt_out:
            items += VENDOR_OPT_OUTS if item == "vendors" else [item]
        return tuple(items)
