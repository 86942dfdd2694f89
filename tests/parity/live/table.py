"""What was compared, how far it was off at worst, and how far it may be."""


class Table:
    """One row a kind of comparison. A value is within its tolerance, or it is a failure; NaN is one."""

    def __init__(self):
        self.rows = {}  # kind -> [tolerance, count, worst, where, failures]
        self.notes = {}  # what -> set of what was seen: that the cases were not all the same

    def add(self, kind, value, tolerance, where):
        row = self.rows.setdefault(kind, [tolerance, 0, 0.0, "", 0])
        assert row[0] == tolerance, kind
        row[1] += 1
        if not value <= tolerance:
            row[4] += 1
            print(f"FAILED {kind}: {value:.3g} > {tolerance:g}: {where}", flush=True)
        if not value <= row[2]:
            row[2], row[3] = value, where

    def same(self, kind, equal, where):
        """For what must be equal: texts, tokens, refusals."""
        self.add(kind, 0 if equal else 1, 0, where)

    def note(self, what, seen):
        self.notes.setdefault(what, set()).update(seen)

    def failures(self):
        return sum(row[4] for row in self.rows.values())

    def text(self):
        lines = [("compared", "cases", "worst", "tolerance", "failed")]
        for kind, (tolerance, count, worst, _, failures) in self.rows.items():
            exact = tolerance == 0
            lines.append((kind, f"{count:,}", "–" if exact else f"{worst:.1e}", "equal" if exact else f"{tolerance:g}",
                          str(failures)))
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        lines.insert(1, tuple("-" * width for width in widths))
        return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                   for i, (cell, width) in enumerate(zip(line, widths))) for line in lines)


def distance(a, b):
    """‖a − b‖ over ‖b‖ + 1e-4: at most 1e-4 means ‖a − b‖ ≤ 1e-4 ‖b‖ + 1e-8. Infinite where the shapes differ."""
    if a.shape != b.shape:
        return float("inf")
    a, b = a.double(), b.double()
    return ((a - b).norm() / (b.norm() + 1e-4)).item()
