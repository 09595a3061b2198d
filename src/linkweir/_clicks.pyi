"""Types of the extension `linkweir._clicks`; their documentation is in ext/_clicks.pyx."""

from typing import Any, final

from linkweir.clicks.classify.classification import Hit

@final
class FeatureReach:
    def __init__(
        self,
        *,
        run_reach: int,
        drip_reach: int,
        echo_reach: int,
        single_link_reach: int,
        sweep_pause: int,
        scatter_pause: int,
        drip_pause: int,
        head_gap: int,
        double_click_gap: int,
        second: int,
        step: int,
        windows: tuple[int, ...],
        reader_density_factor: float,
        max_neighbours: int,
        min_drip_hits: int,
    ) -> None: ...

@final
class RuleBounds:
    def __init__(
        self,
        *,
        ages: tuple[float, ...],
        pauses: tuple[float, ...],
        variations: tuple[float, ...],
        click_check: int,
    ) -> None: ...

@final
class HitContexts:
    def __new__(
        cls,
        reach: FeatureReach,
        clicks: list[Hit],
        sources: list[str],
        strangeness: list[int],
        traps: list[Hit],
        delivered_at: int | None,
        knows_links: bool,
    ) -> HitContexts: ...
    def key(self, index: int, bounds: RuleBounds) -> bytes: ...
    def features(self, index: int) -> dict[str, Any]: ...
