#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Says and draws what bench-table1 measured, beside Table 1 of the paper (DSKE 5.2).

    draw-table1.py CSV SVG     prints tables in Markdown, and writes the picture
    draw-table1.py --check DIR is DIR/table1.svg the picture of DIR/table1.csv?
"""
import csv
import math
import statistics
import sys

# Mbit/s and ms, with their deviations.
PAPER = {'C1': (646, 18, 19.4, 0.1), 'C2': (733, 77, 20.8, 0.1), 'C3': (779, 110, 20.2, 0.1), 'C4': (53, 1.6, 63.8, 0.9)}
WHAT = {'C1': 'nothing', 'C2': 'wireguard-go', 'C3': 'the same and dske-wg', 'C4': 'dske-vpn, as keys come', 'C4*': 'dske-vpn, from stock'}
COLOURS = {'1000': '#2b6cb0', '0': '#63b3ed', 'paper': '#a0a0a0'}


class Figures:
    """One channel on one line: what its turns gave."""

    def __init__(self, rows):
        self.turns = len(rows)
        self.mbit = [v for v in (float(r['mbit_s']) for r in rows) if v == v]
        self.ms = [v for v in (float(r['ms']) for r in rows) if v == v]
        self.keys = [r['keys'] for r in rows if r['keys']]


def mean_of(values):
    return statistics.mean(values) if values else math.nan, statistics.stdev(values) if len(values) > 1 else 0.0


def told(values, turns):
    if not values:
        return 'none'
    mean, spread = mean_of(values)
    text = f'{mean:,.0f}' if mean >= 100 else f'{mean:.1f}'
    if len(values) > 1:
        text += f' ± {spread:,.0f}' if mean >= 100 else f' ± {spread:.1f}'
    return text if len(values) == turns else f'{text} ({len(values)} of {turns})'


def read(path):
    """Figures by line and channel, and ratios of C3 to C2 by line."""
    with open(path, newline='', encoding='utf-8') as f:
        rows = list(csv.DictReader(f))
    lines = sorted({r['cap'] for r in rows}, key=int, reverse=True)
    figures = {cap: {c: Figures([r for r in rows if (r['cap'], r['channel']) == (cap, c)]) for c in WHAT} for cap in lines}
    pairs = {cap: [b / a for a, b in zip(*(of_turn(rows, cap, c) for c in ('C2', 'C3'))) if a == a and b == b] for cap in lines}
    return figures, pairs


def of_turn(rows, cap, channel):
    return [float(r['mbit_s']) for r in rows if (r['cap'], r['channel']) == (cap, channel)]


def name_of(cap):
    return 'paper' if cap == 'paper' else f'{cap} Mbit/s' if cap != '0' else 'no cap'


def say(figures, pairs):
    for cap, channels in figures.items():
        print(f'\nLine: {name_of(cap)}; mean and standard deviation\n')
        print('| channel | | turns | Mbit/s | ms | paper: Mbit/s | ms | keys meanwhile |\n|---|---|---|---|---|---|---|---|')
        for c, f in channels.items():
            if f.turns == 0:
                continue
            paper = f'{PAPER[c][0]} ± {PAPER[c][1]} | {PAPER[c][2]} ± {PAPER[c][3]}' if c in PAPER else ' | '
            print(f'| {c} | {WHAT[c]} | {f.turns} | {told(f.mbit, f.turns)} | {told(f.ms, f.turns)} | {paper} | {"; ".join(f.keys[:4])} |')
        if pairs[cap]:
            print(f'\nC3 / C2, {len(pairs[cap])} pairs: median {statistics.median(pairs[cap]):.2f}, '
                  f'{min(pairs[cap]):.2f} to {max(pairs[cap]):.2f}')


# ---- the picture ----

LEFT, TOP, PLOT, ROW, GAP = 210, 50, 380, 15, 14


def bars(figures, which):
    """(channel, its bars: line, mean, spread), of Mbit/s (0) or ms (1)."""
    for c in WHAT:
        found = [(cap, *mean_of((f[c].mbit, f[c].ms)[which])) for cap, f in figures.items() if f[c].turns]
        if c in PAPER:
            found.append(('paper', *PAPER[c][2 * which:2 * which + 2]))
        yield c, [b for b in found if b[1] == b[1]]


def panel(out, figures, which, top, title, ticks):
    low, high = math.log10(ticks[0]), math.log10(ticks[-1])

    def at(value):
        return LEFT + PLOT * (math.log10(max(value, ticks[0])) - low) / (high - low)

    y = top + 18
    rows = [(c, b) for c, b in bars(figures, which) if b]
    bottom = y + sum(len(b) * ROW + GAP for _, b in rows)
    out.append(f'<text x="20" y="{top}" font-size="14">{title}</text>')
    for tick in ticks:
        out.append(f'<line x1="{at(tick):.1f}" x2="{at(tick):.1f}" y1="{y}" y2="{bottom}" stroke="#dddddd"/>')
        out.append(f'<text x="{at(tick):.1f}" y="{bottom + 12}" text-anchor="middle">{tick:,}</text>')
    for c, found in rows:
        out.append(f'<text x="20" y="{y + 18}">{c} {WHAT[c]}</text>')
        for cap, mean, spread in found:
            out.append(f'<rect x="{LEFT}" y="{y + 4}" width="{max(at(mean) - LEFT, 1):.1f}" height="{ROW - 4}" fill="{COLOURS.get(cap, "#805ad5")}"/>')
            if spread:
                out.append(f'<line x1="{at(mean - spread):.1f}" x2="{at(mean + spread):.1f}" y1="{y + 9.5}" y2="{y + 9.5}" stroke="black"/>')
            out.append(f'<text x="{at(mean + spread) + 4:.1f}" y="{y + 13}">{mean:,.1f}</text>')
            y += ROW
        y += GAP
    return bottom + 40


def draw(figures, pairs):
    out = []
    for i, cap in enumerate([*figures, 'paper']):
        out.append(f'<rect x="{20 + 130 * i}" y="12" width="10" height="10" fill="{COLOURS.get(cap, "#805ad5")}"/>')
        out.append(f'<text x="{35 + 130 * i}" y="21">{name_of(cap)}</text>')
    y = panel(out, figures, 0, TOP, 'Mbit/s of one TCP stream', (10, 100, 1000, 10000, 100000))
    y = panel(out, figures, 1, y, 'round trip, ms', (10, 20, 50, 100))
    for cap, ratios in pairs.items():
        if ratios:
            out.append(f'<text x="20" y="{y}">C3 / C2, {name_of(cap)}, {len(ratios)} pairs: median {statistics.median(ratios):.2f}, '
                       f'{min(ratios):.2f} to {max(ratios):.2f}</text>')
            y += 16
    width, height = LEFT + PLOT + 90, y
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="sans-serif" font-size="11">\n<rect width="{width}" height="{height}" fill="white"/>\n' + '\n'.join(out) + '\n</svg>\n')


def main():
    if sys.argv[1] == '--check':
        with open(f'{sys.argv[2]}/table1.svg', encoding='utf-8') as f:
            same = f.read() == draw(*read(f'{sys.argv[2]}/table1.csv'))
        print(('ok' if same else 'not ok') + ' 1 - doc/table1.svg is the picture of doc/table1.csv\n1..1')
        return 0 if same else 1
    figures, pairs = read(sys.argv[1])
    say(figures, pairs)
    with open(sys.argv[2], 'w', encoding='utf-8') as f:
        f.write(draw(figures, pairs))
    return 0


if __name__ == '__main__':
    sys.exit(main())
