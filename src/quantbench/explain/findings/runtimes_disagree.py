"""Two runtimes that compute one file differently."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.records import Explanation
from quantbench.results.records import Evidence, Finding, Results

TITLE = "runtimes disagree about one file"


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for each row whose runtime is farther off than quantization explains."""
    for row in results.rows:
        unlike = row.unlike
        if unlike is not None:
            yield Finding(
                rule="runtimes_disagree",
                weight="fault",
                sentence=(
                    f"{row.runtime} computes the file of {row.method} unlike {unlike.runtime}: "
                    f"their outputs are {unlike.apart:.2g} apart, those of {unlike.runtime} only "
                    f"{unlike.error:.2g} from float32's"
                ),
                evidence=(
                    Evidence(what=f"{row.runtime} from {unlike.runtime}", value=unlike.apart),
                    Evidence(what=f"{unlike.runtime} from float32", value=unlike.error),
                ),
                remedy=(
                    f"ship it on {unlike.runtime}, not on {row.runtime}, which doesn't compute "
                    "what the file says"
                ),
                rows=(row.name,),
            )
