"""Tables as Markdown that reads as plain text too."""


def markdown(titles: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table whose columns are as wide as their widest cell."""
    cells = [[text.replace("|", r"\|") for text in row] for row in [titles, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [[text.ljust(w) for text, w in zip(row, widths, strict=True)] for row in cells]
    lines.insert(1, ["-" * width for width in widths])
    return ["| " + " | ".join(line) + " |" for line in lines]
