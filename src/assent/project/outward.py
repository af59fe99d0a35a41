"""What leaves a project: handovers to recipients, notices and receipts to people."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assent.project.place import Place, Progress

if TYPE_CHECKING:
    from assent.ledger.book import PublicEvent
    from assent.notify.channels import MailServer, Webhook
    from assent.project.attesting import Signed
    from assent.project.needing import Need
    from assent.project.notifying import Delivered
    from assent.project.passing import Passed
    from assent.project.receipts import Handed
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

    def notices(
        self,
        policy: Path | None = None,
        language: str | None = None,
        regions: Sequence[str] = (),
    ) -> "list[Need]":
        """Find who needs a notice, and which; nobody is told anything.

        Args:
            policy: a policy file; what is in force by default.
            language: of the notice, such as `de`; the policy's own by default.
            regions: only who lives there; everywhere by default.
        """
        from assent.project.needing import needs

        return needs(self.place, policy, language, regions)

    def notify_by_mail(
        self,
        found: "Sequence[Need]",
        server: "MailServer",
        sender: str,
        title: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> "Delivered":
        """Send one mail a person, and record who was reached."""
        from assent.project.notifying import by_mail

        return by_mail(self.place, found, server, sender, title, progress)

    def notify_by_webhook(
        self,
        found: "Sequence[Need]",
        webhook: "Webhook",
        secret: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> "Delivered":
        """Make one signed call a person, and record who was reached."""
        from assent.project.notifying import by_webhook

        return by_webhook(self.place, found, webhook, secret, progress)

    def export_notices(self, found: "Sequence[Need]", path: Path) -> int:
        """Write a list for a platform's own mailer; nobody counts as told by it."""
        from assent.project.notifying import export

        return export(self.place, found, path)

    def record_delivered(self, path: Path) -> int:
        """Record what a platform's own mailer delivered: all of it, or nothing."""
        from assent.project.notifying import delivered

        return delivered(self.place, path)

    def receipt(
        self,
        subject_id: str,
        out: Path,
        entry: int | None = None,
        every: bool = False,
        cose: Path | None = None,
    ) -> "list[Handed]":
        """Write a subject's consent receipts (mode 0600), each one checked.

        Args:
            subject_id: whose.
            out: the file; with `every`, a folder.
            entry: number of the ledger entry; her latest by default.
            every: one file for each event of hers instead.
            cose: also write a transparent statement for SCITT's programs here.

        Raises:
            UsageError: she has no event, or not this one.
        """
        from assent.project.receipts import hand_out

        return hand_out(self.place, subject_id, out, entry, every, cose)

    def sign(self, model_id: str | None = None, out: Path | None = None) -> "Signed":
        """Sign a model's folder, and say in SLSA's words what it was made of.

        Args:
            model_id: the served model by default.
            out: a folder for the signatures; `signatures/<model id>` by default.

        Raises:
            DeniedError: it was superseded, or not all in it is permitted now.
            ProofError: its folder is not what the ledger logged.
        """
        from assent.project.attesting import sign

        return sign(self.place, model_id, out)
