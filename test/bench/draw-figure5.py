#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the paper's Figure 5 anew: what a key of 8 Mbit costs either end, over n and k.

    draw-figure5.py CSV         the CSV of bench-whole --figure; prints SVG
    draw-figure5.py --check DIR is DIR/figure5.svg the picture of DIR/figure5.csv, and has that every n and k?  Prints TAP.

Two panels of boxes, n across and k up, coloured by the logarithm of the time; and one of curves over k, a line for each
end and some n, dotted for shares alone, beside the paper's shape, which is of shares alone: k squared whatever n is, and 8 ms
at k = 5 (DSKE 5.1).
"""
import csv
import math
import os
import sys

MOST = 20
BOX = 22
LEFT, TOP, GAP = 46, 52, 70
SIDE = MOST * BOX
CURVES_N = (5, 9, 20)
ENDS = (('alice_ms', 'Alice', '#b3263c'), ('bob_ms', 'Bob', '#1f5fa8'))
SHARES = (('deal_ms', 'her shares', '#d9773f'), ('reconstruct_ms', 'his secret', '#3a9e8f'))
PAPER_MS, PAPER_K = 8.0, 5


def read(path):
    with open(path, encoding='ascii', newline='') as file:
        return {(int(row['n']), int(row['k'])): {name: float(row[name]) for name in row if name.endswith('_ms')}
                for row in csv.DictReader(file)}


def text(x, y, what, more=''):
    return f'<text x="{x:.0f}" y="{y:.0f}" {more}>{what}</text>'


def shade(part):
    """From pale to dark."""
    pale, dark = (247, 240, 220), (92, 26, 60)
    return '#' + ''.join(f'{round(a + (b - a) * part):02x}' for a, b in zip(pale, dark))


def boxes(cells, name, title, x0, low, high):
    yield text(x0, TOP - 26, title, 'font-size="14"')
    for (n, k), cell in cells.items():
        part = (math.log(cell[name]) - low) / (high - low)
        x, y = x0 + (n - 1) * BOX, TOP + SIDE - k * BOX
        yield f'<rect x="{x}" y="{y}" width="{BOX - 1}" height="{BOX - 1}" fill="{shade(part)}"/>'
        ink = 'white' if part > 0.55 else 'black'
        yield text(x + BOX / 2, y + BOX / 2 + 3, f'{cell[name]:.1f}', f'text-anchor="middle" font-size="8" fill="{ink}"')
    for i in range(1, MOST + 1):
        yield text(x0 + (i - 0.5) * BOX, TOP + SIDE + 14, i, 'text-anchor="middle"')
        yield text(x0 - 6, TOP + SIDE - (i - 0.5) * BOX + 3, i, 'text-anchor="end"')
    yield text(x0 + SIDE / 2, TOP + SIDE + 30, 'n', 'text-anchor="middle"')
    yield text(x0 - 30, TOP + SIDE / 2, 'k', 'text-anchor="middle"')


def curves(cells, x0):
    top, bottom = 100.0, 0.01

    def at(k, ms):
        down = (math.log(top) - math.log(ms)) / (math.log(top) - math.log(bottom))
        return x0 + math.log(k) / math.log(MOST) * SIDE, TOP + down * SIDE

    def line(points, colour, dash=''):
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in (at(k, ms) for k, ms in points))
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5" {dash}/>'

    yield text(x0, TOP - 26, 'both over k, milliseconds, with the paper&#8217;s shape', 'font-size="14"')
    yield f'<rect x="{x0}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>'
    for ms in (0.01, 0.1, 1, 10, 100):
        yield text(x0 - 6, at(1, ms)[1] + 3, f'{ms:g}', 'text-anchor="end"')
        yield f'<path d="M{x0} {at(1, ms)[1]:.1f}h{SIDE}" stroke="#ccc"/>'
    for k in (1, 2, 3, 5, 10, 20):
        yield text(at(k, 1)[0], TOP + SIDE + 14, k, 'text-anchor="middle"')
    yield text(x0 + SIDE / 2, TOP + SIDE + 30, 'k', 'text-anchor="middle"')
    yield line([(k, PAPER_MS * (k / PAPER_K) ** 2) for k in (1, PAPER_K * (top / PAPER_MS) ** 0.5)], '#888', 'stroke-dasharray="5 4"')
    x, y = at(2.2, PAPER_MS * (2.2 / PAPER_K) ** 2)
    yield text(x - 6, y - 4, 'paper: k&#178;, 8 ms at 5', 'text-anchor="end" fill="#666"')
    for name, end, colour in ENDS:
        for n in CURVES_N:
            yield line([(k, cells[n, k][name]) for k in range(1, n + 1)], colour)
            x, y = at(n, cells[n, n][name])
            yield text(x + 3, y + 3, f'{end}, n = {n}', f'fill="{colour}" font-size="8"')
    for name, what, colour in SHARES:
        yield line([(k, cells[MOST, k][name]) for k in range(1, MOST + 1)], colour, 'stroke-dasharray="2 3"')
        x, y = at(1, cells[MOST, 1][name])
        yield text(x + 4, y + 12, f'{what} alone, n = {MOST}', f'fill="{colour}" font-size="8"')


def picture(cells):
    times = [cell[name] for cell in cells.values() for name, _, _ in ENDS]
    low, high = math.log(min(times)), math.log(max(times))
    width, height = LEFT + 3 * (SIDE + GAP), TOP + SIDE + 44
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="9">')
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for i, (name, end, _) in enumerate(ENDS):
        yield from boxes(cells, name, f'{end}, a key of 1 MiB: milliseconds', LEFT + i * (SIDE + GAP), low, high)
    yield from curves(cells, LEFT + 2 * (SIDE + GAP))
    yield '</svg>'


def check(folder):
    cells = read(os.path.join(folder, 'figure5.csv'))
    with open(os.path.join(folder, 'figure5.svg'), encoding='ascii') as file:
        drawn = file.read()
    wanted = {(n, k) for n in range(1, MOST + 1) for k in range(1, n + 1)}
    results = (('the picture is that of the rows', drawn == '\n'.join(picture(cells)) + '\n'),
               ('every n and k up to 20 is there', set(cells) == wanted),
               ('every time is one', all(time > 0 for cell in cells.values() for time in cell.values())))
    print(f'1..{len(results)}')
    for i, (name, good) in enumerate(results, 1):
        print(f'{"" if good else "not "}ok {i} - {name}')
    return all(good for _, good in results)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        sys.exit(0 if check(sys.argv[2]) else 1)
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print('\n'.join(picture(read(sys.argv[1]))))


main()
