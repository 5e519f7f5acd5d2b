"""What a party holds of an enterprise, in English and Chinese."""

from dataclasses import dataclass

#: Shares that differ by no more are the same.
ROUNDING = 1e-8


@dataclass(frozen=True)
class Stake:
    """What one party holds of the target: the figures of `ownership.Owner`, whether it has a
    holding of unknown size above it, the share that its declared control of it states (0: none),
    and what the recorded shares of the target add up to: above 1, `share` is scaled and `direct`
    is not."""

    share: float
    direct: float
    controls: bool
    unknown: bool
    stated: float
    total: float

    def words(self) -> tuple[str, str]:
        """In English and Chinese."""
        if self.share > 0:
            return self._held()
        if self.stated:
            stated = f"{100 * self.stated:.1f}"
            return (
                f"controls (the record of control states a share of {stated} %)",
                f"控制（控制关系载明份额{stated}%）",
            )
        if self.unknown:
            return "controls (size of its holding not known)", "控制（持股比例不详）"
        return "controls (no shares recorded)", "控制（无持股记录）"

    def _held(self) -> tuple[str, str]:
        share, direct = f"{100 * self.share:.1f}", f"{100 * self.direct:.1f}"
        over = self.total > 1.0 + ROUNDING or self.direct > self.share + ROUNDING
        if not self.direct:
            english, chinese = f"holds {share} % through others", f"通过他人间接持股{share}%"
        elif over:
            english = f"holds {share} %, recorded directly {direct} %"
            chinese = f"合计持股{share}%，登记直接持股{direct}%"
        elif share == direct:
            english, chinese = f"holds {share} % directly", f"直接持股{share}%"
        else:
            english = f"holds {share} %, {direct} % of it directly"
            chinese = f"合计持股{share}%，其中直接持股{direct}%"
        if over:
            english += f" (the recorded shares add up to {100 * self.total:.1f} %)"
            chinese += f"（登记份额合计{100 * self.total:.1f}%）"
        return (english + ", controls", chinese + "，控制") if self.controls else (english, chinese)
