"""The errors a user meets: one root, a few kinds, each carrying its next step."""

from __future__ import annotations


class ArgosyError(Exception):
    """Root of every error that Argosy raises on purpose.

    A message names the object, the value and the limit; `next` says what to try. Ways in
    (command line, HTTP) print both and no traceback.
    """

    exit_code = 1
    status = 500

    def __init__(self, message: str, *, next: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next = next

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.next}" if self.next else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.next))


def _rebuild(kind: type[ArgosyError], message: str, next: str) -> ArgosyError:
    return kind(message, next=next)


class DeclarationError(ArgosyError, ValueError):
    """A declaration is wrong: raised when it is made, before anything is stored."""

    exit_code = 2
    status = 400


class InputError(ArgosyError, ValueError):
    """Data or a request from outside does not hold what it should."""

    status = 400


class UsageError(InputError):
    """A request that cannot be meant, whatever the data: a filter, a field, a limit, an address, an option."""

    exit_code = 2


class UnknownError(ArgosyError, LookupError):
    """A name or an address that the store does not know."""

    exit_code = 2
    status = 404


class ConflictError(ArgosyError):
    """Another writer was there first, or a precondition no longer holds."""

    status = 409


class TakenError(ConflictError):
    """A name that another bears already."""


class LeaseError(ConflictError):
    """A lease was claimed anew before the work under it was recorded: nothing of that work is kept."""


class DeniedError(ArgosyError, PermissionError):
    """The caller may not do this."""

    status = 403


class CorruptError(ArgosyError):
    """Stored bytes do not match their content address."""


class UnreachableError(ArgosyError):
    """What is asked does not answer: the file of the facts is gone or closed, or a server or a process is away."""

    status = 503


class CapacityError(ArgosyError, OSError):
    """No room is left to write; nothing was half written."""

    status = 507


class MissingExtraError(ArgosyError, ImportError):
    """An optional dependency is needed; `next` holds the install line."""
