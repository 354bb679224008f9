#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Does an item satisfy a CDDL definition (RFC 8610)?

Only the subset that doc/dske.cddl uses is understood: rules that are types or groups, choices of both,
integers, text and byte literals, ranges, uint, bytes, text, arrays, occurrences, member names, and the
controls .size, .cbor and .regexp.  Everything else is refused when the definition is read, and so are
rules that are missing, defined twice, or used by nothing.

    cddl.py FILE.cddl RULE < one hexadecimal item a line      prints "yes" or "no" for each
"""
import io
import re
import sys

import cbor2

PRELUDE = {'uint': int, 'bytes': bytes, 'bstr': bytes, 'text': str, 'tstr': str}
CONTROLS = ('size', 'cbor', 'regexp')

TOKEN = re.compile(r"""
    (?P<space> \s+ | ;[^\n]* )
  | (?P<hex>   h'[0-9a-fA-F]*' )
  | (?P<bytes> '[^'\\]*' )
  | (?P<text>  "[^"\\]*" )
  | (?P<occur> \d+\*\d+ )
  | (?P<number> 0 | [1-9]\d* )
  | (?P<name>  [A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])? )
  | (?P<control> \.[a-z]+ )
  | (?P<mark>  \.\. | // | [=\[\](),:/] )
""", re.VERBOSE)


class Refused(Exception):
    """The definition is wrong, or uses what this checker does not understand."""


def tokens(source):
    at = 0
    while at < len(source):
        # ".." before a number must not be read as a control
        found = TOKEN.match(source, at)
        if not found:
            line = source.count('\n', 0, at) + 1
            raise Refused(f'line {line}: not understood: {source[at:at + 20]!r}')
        at = found.end()
        if found.lastgroup != 'space':
            yield found.lastgroup, found.group()
    yield 'end', ''


# A type is a tuple: ('uint'|'bytes'|'text',), ('literal', value), ('range', low, high),
# ('size', type, low, high), ('regexp', type, pattern), ('cbor', type), ('choice', types),
# ('array', group), ('rule', name).  A group is a list of alternatives, each a list of entries
# (low, high, entry), an entry ('type', type), ('group', group) or ('name', rule: either).

class Parser:
    def __init__(self, source):
        self.list = list(tokens(source))
        self.at = 0

    def peek(self, ahead=0):
        return self.list[min(self.at + ahead, len(self.list) - 1)]

    def next(self, wanted=None):
        kind, text = self.peek()
        if wanted is not None and text != wanted:
            raise Refused(f'expected {wanted!r}, found {text!r}')
        self.at += 1
        return kind, text

    def accept(self, text):
        if self.peek()[0] in ('mark',) and self.peek()[1] == text:
            self.at += 1
            return True
        return False

    def rules(self):
        rules = {}
        while self.peek()[0] != 'end':
            kind, name = self.next()
            if kind != 'name':
                raise Refused(f'a rule begins with a name, not {name!r}')
            if name in rules or name in PRELUDE:
                raise Refused(f'{name} is defined twice')
            self.next('=')
            rules[name] = ('group', self.in_brackets(')')) if self.accept('(') else ('type', self.type())
        return rules

    def type(self):
        options = [self.type1()]
        while self.accept('/'):
            options.append(self.type1())
        return options[0] if len(options) == 1 else ('choice', options)

    def type1(self):
        base = self.type2()
        if self.accept('..'):
            if base[0] != 'literal' or type(base[1]) is not int:
                raise Refused('a range begins with an integer')
            return ('range', base[1], self.integer())
        kind, text = self.peek()
        if kind != 'control':
            return base
        self.next()
        return self.controlled(base, text[1:])

    def controlled(self, base, control):
        if control not in CONTROLS:
            raise Refused(f'control .{control} is not understood')
        if control == 'cbor':
            self.insist(base, 'bytes', control)
            return ('cbor', self.type2())
        if control == 'regexp':
            self.insist(base, 'text', control)
            kind, text = self.next()
            if kind != 'text':
                raise Refused('.regexp needs a text')
            return ('regexp', re.compile(text[1:-1]))
        if base[0] not in ('bytes', 'text'):
            raise Refused('.size is understood of bytes and text')
        return ('size', base) + self.bounds()

    @staticmethod
    def insist(base, kind, control):
        if base != (kind,):
            raise Refused(f'.{control} is understood of {kind}')

    def bounds(self):
        if not self.accept('('):
            size = self.integer()
            return (size, size)
        low = self.integer()
        self.next('..')
        high = self.integer()
        self.next(')')
        return (low, high)

    def integer(self):
        kind, text = self.next()
        if kind != 'number':
            raise Refused(f'expected an integer, found {text!r}')
        return int(text)

    def type2(self):
        kind, text = self.next()
        if kind == 'number':
            return ('literal', int(text))
        if kind == 'hex':
            return ('literal', bytes.fromhex(text[2:-1]))
        if kind == 'bytes':
            return ('literal', text[1:-1].encode('ascii'))
        if kind == 'text':
            return ('literal', text[1:-1])
        if kind == 'name':
            if text in PRELUDE:
                return ({int: 'uint', bytes: 'bytes', str: 'text'}[PRELUDE[text]],)
            return ('rule', text)
        if text == '[':
            return ('array', self.in_brackets(']'))
        raise Refused(f'not understood: {text!r}')

    def in_brackets(self, end):
        group = [[]]
        while not self.accept(end):
            if self.accept('//'):
                group.append([])
                continue
            group[-1].append(self.entry())
            self.accept(',')
        return group

    def entry(self):
        low, high = 1, 1
        if self.peek()[0] == 'occur':
            low, high = (int(n) for n in self.next()[1].split('*'))
        if self.peek()[0] == 'name' and self.peek(1)[1] == ':':
            self.at += 2  # member names of arrays are for the reader
            return (low, high, ('type', self.type()))
        if self.accept('('):
            return (low, high, ('group', self.in_brackets(')')))
        entry = self.type()
        return (low, high, ('name', entry[1]) if entry[0] == 'rule' else ('type', entry))


class Definition:
    def __init__(self, source, roots):
        self.rules = Parser(source).rules()
        unknown = set(roots) - set(self.rules)
        used = set()
        todo = [root for root in roots if root in self.rules]
        while todo:
            name = todo.pop()
            if name in used:
                continue
            used.add(name)
            for other, want in references(self.rules[name]):
                if other not in self.rules:
                    unknown.add(other)
                elif want == 'type' and self.rules[other][0] == 'group':
                    raise Refused(f'{other} is a group, and {name} uses it as a type')
                else:
                    todo.append(other)
        if unknown:
            raise Refused('not defined: ' + ', '.join(sorted(unknown)))
        if set(self.rules) - used:
            raise Refused('used by nothing: ' + ', '.join(sorted(set(self.rules) - used)))

    def match(self, name, data):
        """None, or what matched: a list of (path, type) for each item, rules as ('rule', name)."""
        value = decode(data)
        return None if value is BAD else self.match_type(('rule', name), value, ())

    def match_type(self, node, value, path):
        kind = node[0]
        if kind == 'rule':
            found = self.match_type(self.rules[node[1]][1], value, path)
            return None if found is None else [(path, node)] + found
        if kind == 'choice':
            options = (self.match_type(option, value, path) for option in node[1])
            return next((found for found in options if found is not None), None)
        if kind == 'cbor':
            inner = decode(value) if type(value) is bytes else BAD
            found = None if inner is BAD else self.match_type(node[1], inner, path + ('body',))
            return None if found is None else [(path, node)] + found
        if kind == 'array':
            if type(value) is not list:
                return None
            for end, found in self.match_group(node[1], value, 0, path):
                if end == len(value):
                    return [(path, node)] + found
            return None
        return [(path, node)] if leaf_holds(node, value) else None

    def match_group(self, group, items, at, path):
        """Each way in which the group takes items from `at` on: (where it ends, what matched)."""
        for entries in group:
            yield from self.match_entries(entries, items, at, path)

    def match_entries(self, entries, items, at, path):
        if not entries:
            yield at, []
            return
        low, high, entry = entries[0]
        ends = [(at, [])]
        for count in range(high + 1):
            if count >= low:
                for end, found in ends:
                    for last, more in self.match_entries(entries[1:], items, end, path):
                        yield last, found + more
            ends = [(last, found + more) for end, found in ends
                    for last, more in self.match_entry(entry, items, end, path)]
            if not ends:
                return

    def match_entry(self, entry, items, at, path):
        kind, node = entry
        if kind == 'name':
            kind, rule = self.rules[node]
            if kind == 'group':
                for end, found in self.match_group(rule, items, at, path):
                    yield end, [(path, ('rule', node))] + found
                return
            node = ('rule', node)
        elif kind == 'group':
            yield from self.match_group(node, items, at, path)
            return
        if at < len(items):
            found = self.match_type(node, items[at], path + (at,))
            if found is not None:
                yield at + 1, found


def references(rule):
    """(name, 'type' or 'either') of each rule that a parsed rule names."""
    kind, node = rule
    if kind == 'name':
        yield node, 'either'
    elif kind == 'group':
        for alternative in node:
            for _, _, entry in alternative:
                yield from references(entry)
    elif node[0] == 'rule':
        yield node[1], 'type'
    elif node[0] == 'choice':
        for option in node[1]:
            yield from references(('type', option))
    elif node[0] == 'cbor':
        yield from references(('type', node[1]))
    elif node[0] == 'array':
        yield from references(('group', node[1]))


def leaf_holds(node, value):
    kind = node[0]
    if kind == 'uint':
        return type(value) is int and value >= 0
    if kind in ('bytes', 'text'):
        return type(value) is PRELUDE[kind]
    if kind == 'literal':
        return type(value) is type(node[1]) and value == node[1]
    if kind == 'range':
        return type(value) is int and node[1] <= value <= node[2]
    if kind == 'size':
        length = len(value.encode()) if type(value) is str else len(value) if type(value) is bytes else -1
        return leaf_holds(node[1], value) and node[2] <= length <= node[3]
    if kind == 'regexp':
        return type(value) is str and node[1].fullmatch(value) is not None
    raise Refused(f'{kind} is not understood')


BAD = object()


def decode(data):
    """One item in deterministic encoding and nothing behind it, or BAD."""
    try:
        stream = io.BytesIO(data)
        value = cbor2.CBORDecoder(stream).decode()
        same = stream.tell() == len(data) and cbor2.dumps(value) == data
    except Exception:  # whatever cbor2 does not like
        return BAD
    return value if same else BAD


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding='ascii') as file:
        definition = Definition(file.read(), ['item', 'pskm-header'])
    for line in sys.stdin:
        print('yes' if definition.match(sys.argv[2], bytes.fromhex(line.strip())) is not None else 'no')


if __name__ == '__main__':
    main()
