#!/usr/bin/env python3
"""A bar chart as SVG, from the query: /cgi-bin/chart.py?title=Fruit&apples=3&pears=1.5&plums=7"""
import math
import os
import sys
from html import escape
from urllib.parse import parse_qsl

WIDTH, BAR, GAP, LEFT, TOP = 640, 28, 12, 150, 60
MOST = 50


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    try:
        title, bars = read(os.environ["QUERY_STRING"])
    except ValueError as problem:
        print(f"Status: 400 Bad Request\nContent-Type: text/plain; charset=utf-8\n\n{problem}")
        return
    print("Content-Type: image/svg+xml\nCache-Control: max-age=60\n")
    print(chart(title, bars))


def read(query):
    """The title, and each bar as (name, value). ValueError says what is wrong."""
    fields = parse_qsl(query, max_num_fields=MOST + 1)
    bars = [(name, number(name, value)) for name, value in fields if name != "title"]
    if not bars:
        raise ValueError("The query names no bars: try ?apples=3&pears=1.5")
    return dict(fields).get("title", "Chart"), bars


def number(name, given):
    value = float(given)
    if not (math.isfinite(value) and 0 <= value <= 1e12):
        raise ValueError(f"{name} is to be between 0 and 1e12.")
    return value


def chart(title, bars):
    largest = max(value for _, value in bars) or 1
    height = TOP + len(bars) * (BAR + GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif">',
        f"<title>{text(title, 200)}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="14" fill="#f7f7f4"/>',
        f'<text x="20" y="38" font-size="20" font-weight="650" fill="#1c2024">{text(title, 50)}</text>',
    ]
    for row, (name, value) in enumerate(bars):
        y = TOP + row * (BAR + GAP)
        length = round(value / largest * (WIDTH - LEFT - 90), 1)
        lines += [
            f'<text x="{LEFT - 10}" y="{y + 19}" font-size="14" text-anchor="end" fill="#5a6470">{text(name, 16)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{length}" height="{BAR}" rx="6" fill="#0b6e5c"/>',
            f'<text x="{LEFT + length + 8}" y="{y + 19}" font-size="14" fill="#1c2024">{value:g}</text>',
        ]
    return "\n".join([*lines, "</svg>"])


def text(given, most):
    """What XML can hold of it, and a picture has room for."""
    printable = "".join(letter if letter.isprintable() else " " for letter in given)
    return escape(printable if len(printable) <= most else printable[: most - 1] + "…")


main()
