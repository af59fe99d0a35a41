"""The error tree.

Error                      exit 2, unless said otherwise
- UsageError               a command or a call that cannot be carried out as asked
- LedgerError              the ledger contradicts itself, its head or an event's rules
- PolicyError              a policy file that cannot be read as a policy
- DeniedError              exit 1: somebody tried to use what no decision permits
- CorpusError              documents, subjects or corpus parts that are not as wanted
- TrainError               a plan, checkpoint or host that cannot train as sealed
- ForgetError              a repair that cannot be carried out or certified
- ProofError               exit 1: a proof that does not prove what it claims

A denial is a value (`terms.Decision`), not an exception, until someone tries to train
on it. Messages name ids, counts and digests, never a person's words.
"""


class Error(Exception):
    """What went wrong, in one sentence, and one thing to do about it.

    Args:
        message: the value found and the value wanted; lower case, no full stop.
        hint: one action, or empty when the message already says it.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(Error):
    """The command or call cannot be carried out as asked."""


class LedgerError(Error):
    """The ledger contradicts itself, its signed head or an event's rules."""


class PolicyError(Error):
    """The policy file cannot be read as a policy."""


class DeniedError(Error):
    """Somebody tried to use what no decision permits."""

    exit_code = 1


class CorpusError(Error):
    """Documents, subjects or corpus parts are not as wanted."""


class TrainError(Error):
    """The plan, a checkpoint or this host cannot train as sealed."""


class ForgetError(Error):
    """The repair cannot be carried out or certified."""


class ProofError(Error):
    """The proof does not prove what it claims."""

    exit_code = 1
