"""How likely guessing is to succeed in a day, and whom it keeps out (`make guessing`)."""

from __future__ import annotations

from benchmarks.guessing import Day, Outcome, play

ROWS = (
    # Sizes
    Day(visits=1),
    Day(visits=33),
    Day(visits=100),
    Day(visits=500),
    Day(visits=5000),
    Day(visits=500, change="growing"),
    Day(visits=500, change="turning over"),
    Day(visits=100, emails=1),
    # What the attacker knows and has
    Day(visits=500, known=1),
    Day(visits=500, known=20),
    Day(visits=5000, known=500),
    Day(visits=500, devices="none"),
    Day(visits=300, devices="copied"),
    # Lengths
    Day(visits=100, pin_length=7),
    Day(visits=100, pin_length=8),
    Day(visits=500, pin_length=9),
    Day(visits=500, pin_length=10),
    Day(visits=1, pin_length=5, fixed=True),
    Day(visits=100, pin_length=5, fixed=True),
    Day(visits=500, pin_length=6, fixed=True),
    # Servers
    Day(visits=100, servers=2),
    Day(visits=100, servers=3),
    Day(visits=100, servers=4),
    Day(visits=100, workers=8),
    Day(visits=100, servers=4, workers=8),
    Day(visits=100, servers=2, devices="copied"),
    Day(visits=100, servers=4, devices="copied"),
    # The PIN alone
    Day(visits=1, pin_length=6, by_pin=True),
    Day(visits=100, pin_length=8, by_pin=True),
    Day(visits=100, pin_length=8, by_pin=True, devices="none"),
    Day(visits=100, pin_length=8, by_pin=True, devices="copied"),
    Day(visits=1000, pin_length=9, by_pin=True),
    Day(visits=100, pin_length=6, by_pin=True),
    Day(visits=100, pin_length=8, by_pin=True, servers=2),
    Day(visits=100, pin_length=8, by_pin=True, servers=4),
)

HEADER = (
    "| visits | login | digits | attacker | servers | guesses | chance in a day |"
    " new device, attacked | not attacked |"
)


def main() -> None:
    """Print the table."""
    print(HEADER)
    print("|" + " --- |" * HEADER.count(" |"))
    for day in ROWS:
        print(row_of(day, play(day)))


def row_of(day: Day, outcome: Outcome) -> str:
    """One line of the table."""
    visits = f"{day.visits:,}" + ("" if day.change == "stable" else f" {day.change}")
    if day.emails is not None:
        visits += f" of {day.emails} e-mail"
    who = f"{'all' if day.known is None else day.known} e-mails" if not day.by_pin else "no e-mail"
    cells = (
        visits,
        "PIN" if day.by_pin else "e-mail",
        f"{day.pin_length}" + ("" if day.fixed or day.by_pin else " and more"),
        f"{who}, {_DEVICES[day.devices]}",
        f"{day.servers}" + ("" if day.workers == 1 else f" of {day.workers} workers"),
        f"{outcome.guesses:,}",
        f"{outcome.chance:.1e} (1 in {1 / outcome.chance:,.0f})",
        f"waits {outcome.attacked_waits:.0%} of the day",
        "no such visit" if day.by_pin or day.known is None else f"waits {outcome.other_waits:.0%}",
    )
    return "| " + " | ".join(cells) + " |"


_DEVICES = {"new": "new devices", "none": "no device named", "copied": "new and copied devices"}


if __name__ == "__main__":
    main()
