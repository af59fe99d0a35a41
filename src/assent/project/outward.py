"""What leaves a project: handovers to recipients, and notices to people."""

from pathlib import Path
from typing import TYPE_CHECKING

from assent.project.place import Place, Progress

if TYPE_CHECKING:
    from assent.ledger.book import PublicEvent
    from assent.project.passing import Passed
    from assent.project.sharing import Shared


class Outward:
    """The part of `Project` that hands over and tells."""

    place: Place

    def share(
        self,
        what: str,
        recipient: str,
        out: Path,
        progress: Progress = lambda *_: None,
    ) -> "Shared":
        """Hand a corpus or a model over, as far as it is permitted now.

        Args:
            what: id of a corpus or a model.
            recipient: a declared one.
            out: the folder to make; whole or absent.
            progress: told what is done.

        Raises:
            DeniedError: nothing of the corpus, or not all of the model, is permitted.
        """
        from assent.project.sharing import share

        return share(self.place, what, recipient, out, progress)

    def pass_on(
        self, out: Path, recipient: str | None = None, days: int = 7
    ) -> "Passed":
        """Write signed change files for what recipients may hold no longer.

        Args:
            out: folder for every change file that is not acknowledged yet.
            recipient: this one only; all by default.
            days: until when it must be removed, from now.
        """
        from assent.project.passing import pass_on

        return pass_on(self.place, out, recipient, days)

    def acknowledge(self, path: Path, key: str | None = None) -> "PublicEvent":
        """Check and record what a recipient acknowledges.

        Raises:
            ProofError: it is not what was to be acknowledged, or another signed it.
        """
        from assent.project.passing import acknowledge

        return acknowledge(self.place, path, key)
