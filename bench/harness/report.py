"""Samples to text: medians with spread, ratios, bars."""

import statistics


def number(x):
    """Three digits that matter."""
    if x == 0 or abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.3g}" if abs(x) < 1 else f"{x:.2f}" if abs(x) < 10 else f"{x:.1f}"


def spread(values):
    return {
        "median": statistics.median(values),
        "min": min(values),
        "max": max(values),
        "n": len(values),
    }


def ratio(ours, theirs):
    """Median over rounds of theirs / ours, which were measured one after the other."""
    return statistics.median(b / a for a, b in zip(ours, theirs))


def table(rows, header):
    """Columns as wide as they need to be; all but the first to the right."""
    cells = [header] + [[c if isinstance(c, str) else number(c) for c in row] for row in rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    lines = []
    for row in cells:
        first = row[0].ljust(widths[0])
        rest = [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        lines.append("  ".join([first] + rest).rstrip())
    print("\n".join(lines), flush=True)


def bars(checks):
    """[(what, value, "<=" or ">=", bound)]; prints and returns them as results."""
    found = []
    for what, value, sense, bound in checks:
        met = value <= bound if sense == "<=" else value >= bound
        print(f"{'met   ' if met else 'MISSED'}  {what}: {number(value)} ({sense} {number(bound)})")
        found.append({"bar": what, "value": value, "sense": sense, "bound": bound, "met": met})
    return found
