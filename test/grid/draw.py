#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the grid of DSKE 5.1 from the rows that test-grid --short prints.

    draw.py CSV SVG         writes the picture
    draw.py --check DIR     is DIR/grid.svg the picture of DIR/grid.csv, and is every row of that as DSKE 4.2
                            predicts?  Prints TAP.

Three panels: shares that do not match the key tag; hostile hubs with k_B = k; with k_B = ceil(k/2).  In each a box
for every n (down) and k (across); in a box a line for every s, from n at the top to k, and along it a point for
every number of corrupt shares, from 0 to s.
"""
import csv
import os
import sys

COLOURS = {'K': '#2a7f62', 'A': '#f2b134', 'I': '#b3263c'}
NAMES = {'K': "the initiator's key", 'A': 'abort', 'I': "the corrupt hubs' key"}
N_MAX = 20
BOX = 24
LEFT, TOP = 34, 46
PANEL = N_MAX * BOX
TITLES = ('key tag does not match', 'hostile hubs, k_B = k', 'hostile hubs, k_B = ceil(k/2)')


def rows(path):
    with open(path, encoding='ascii', newline='') as file:
        for row in csv.DictReader(file):
            yield {name: value if name in ('kind', 'outcomes') else int(value) for name, value in row.items()}


def panels(row):
    """Where a row is drawn; where no k_B is below k, the last two panels show the same."""
    if row['kind'] == 'mismatched':
        return (0,)
    if row['k'] == 1:
        return (1, 2)
    return (1,) if row['k_b'] == row['k'] else (2,)


def runs(letters):
    """(letter, first, length) of each run of equal letters."""
    first = 0
    for at in range(1, len(letters) + 1):
        if at == len(letters) or letters[at] != letters[first]:
            yield letters[first], first, at - first
            first = at


def paths(path):
    """For each colour, the strokes of all runs."""
    strokes = {letter: [] for letter in COLOURS}
    for row in rows(path):
        for panel in panels(row):
            x = LEFT + panel * (PANEL + LEFT) + (row['k'] - 1) * BOX + 1
            y = TOP + (row['n'] - 1) * BOX + 1 + row['n'] - row['s']
            for letter, first, length in runs(row['outcomes']):
                strokes[letter].append(f'M{x + first} {y}h{length}')
    return strokes


def labels():
    for panel, title in enumerate(TITLES):
        x = LEFT + panel * (PANEL + LEFT)
        yield f'<text x="{x}" y="{TOP - 28}" font-size="14">{title}</text>'
        for i in range(N_MAX):
            centre = i * BOX + BOX // 2
            yield f'<text x="{x + centre}" y="{TOP - 6}" text-anchor="middle">{"k=" if i == 0 else ""}{i + 1}</text>'
            yield f'<text x="{x - 4}" y="{TOP + centre + 3}" text-anchor="end">{"n=" if i == 0 else ""}{i + 1}</text>'
    for i, (letter, name) in enumerate(NAMES.items()):
        x, y = LEFT + i * 170, TOP + PANEL + 12
        yield f'<rect x="{x}" y="{y}" width="10" height="10" fill="{COLOURS[letter]}"/>'
        yield f'<text x="{x + 15}" y="{y + 9}">{name}</text>'
    yield (f'<text x="{LEFT + 520}" y="{TOP + PANEL + 21}">in a box: shares received, from n down to k; '
           'across, those corrupt, from none to all</text>')


def picture(path):
    width, height = LEFT + 3 * (PANEL + LEFT), TOP + PANEL + 32
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
             f'height="{height}" font-family="sans-serif" font-size="9">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    lines += labels()
    for letter, strokes in paths(path).items():
        lines.append(f'<path stroke="{COLOURS[letter]}" transform="translate(0 .5)" d="{"".join(strokes)}"/>')
    return '\n'.join(lines + ['</svg>', ''])


def predicted(row):
    """DSKE 4.2, from the text: an outcome for each number of corrupt shares."""
    letters = ''
    for corrupt in range(row['s'] + 1):
        lacking = row['n'] - row['s'] + corrupt >= row['n'] - row['k'] + 1
        colluding = row['kind'] == 'hostile' and corrupt >= row['k_b']
        letters += 'AI'[lacking] if colluding else 'KA'[lacking]
    return letters


def complete():
    """Every (n, k, s, kind, k_B) that there has to be."""
    for n in range(1, N_MAX + 1):
        for k in range(1, n + 1):
            for s in range(k, n + 1):
                yield n, k, s, 'mismatched', k
                yield n, k, s, 'hostile', k
                if k > 1:
                    yield n, k, s, 'hostile', (k + 1) // 2


def check(folder):
    table = os.path.join(folder, 'grid.csv')
    found = list(rows(table))
    keys = [(row['n'], row['k'], row['s'], row['kind'], row['k_b']) for row in found]
    with open(os.path.join(folder, 'grid.svg'), encoding='ascii') as file:
        drawn = file.read()
    cases = [
        ('every cell is there, once', keys == list(complete())),
        ('every outcome is the predicted one', all(row['outcomes'] == predicted(row) for row in found)),
        ('the key leaks from k corrupt hubs on', all(row['leaks_from'] == row['k'] for row in found)),
        ('the picture is that of the table', drawn == picture(table)),
    ]
    print(f'1..{len(cases)}')
    for number, (name, holds) in enumerate(cases, 1):
        print(f'{"" if holds else "not "}ok {number} - {name}')
    return not all(holds for _, holds in cases)


def main(arguments):
    if len(arguments) == 2 and arguments[0] == '--check':
        return check(arguments[1])
    if len(arguments) != 2:
        sys.exit(__doc__)
    with open(arguments[1], 'w', encoding='ascii') as file:
        file.write(picture(arguments[0]))
    return 0


sys.exit(main(sys.argv[1:]))
