"""The one error type for mistakes that a user can make."""


class UserError(ValueError):
    """A mistake in the user's input; the message is one line that says how to mend it.

    The message names the file, the line or record, the field, the value found and the value
    expected. Commands print it without a traceback and exit with code 1 (see `cli.common`);
    any other exception is a bug of ours and keeps its traceback.
    """

    def __str__(self):
        """The line; what a terminal would not print as it stands, such as escapes, is "?"."""
        line = " ".join(super().__str__().split("\n"))
        return "".join(c if c.isprintable() else "?" for c in line)
