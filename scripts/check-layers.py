#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks every #include "..." against the table of layers.

The table is the one in docs/devel/architecture.rst between the marks
layers-begin and layers-end.  An include of a layer that the table does not
allow fails, and so does a cycle of includes, where x.c, x.h and x-internal.h of
one layer count as one node.
"""

import os
import re
import sys

import checklib

LAW = 'docs/devel/architecture.rst'
SEARCH = ('include', '', 'linux-headers')
RULES = {
    'place': 'every file belongs to a layer',
    'upward': 'no include goes against the table of layers',
    'private': 'an -internal.h header stays in its folder',
    'found': 'every included header exists',
    'cycle': 'no cycle of includes',
}


class Law:
    """The table: which layer a path is of, what a layer may include."""

    def __init__(self, text):
        self.order = []
        self.places = []
        self.limits = {}
        match = re.search(r'\.\. layers-begin(.*?)\.\. layers-end', text, re.S)
        if not match:
            checklib.die('%s: no table between layers-begin and layers-end'
                         % LAW)
        layer = None
        for line in match.group(1).splitlines():
            row = re.match(r'(\S*)\s+((?:``[^`]+``\s*)+)(.*)$', line)
            if not row:
                continue
            if row.group(1):
                layer = row.group(1)
                self.order.append(layer)
                self.limits[layer] = row.group(3).strip()
            for place in re.findall(r'``([^`]+)``', row.group(2)):
                self.places.append((place, layer))
        self.rows = list(self.places)
        self.places.sort(key=lambda item: -len(item[0]))
        self.allowed = {name: self._parse(name) for name in self.order}

    def _parse(self, layer):
        allowed = {layer}
        for part in self.limits[layer].split(','):
            part = part.strip()
            if part in ('', 'nothing'):
                continue
            first, _, last = part.partition('-')
            last = last or first
            for name in (first, last):
                if name not in self.order:
                    checklib.die('%s: layer %s may include "%s", which is '
                                 'no layer' % (LAW, layer, name))
            span = self.order[self.order.index(first):
                              self.order.index(last) + 1]
            if self.order.index(last) >= self.order.index(layer):
                checklib.die('%s: layer %s may not include "%s", which does '
                             'not stand above it' % (LAW, layer, part))
            allowed.update(span)
        return allowed

    def layer_of(self, path):
        for place, layer in self.places:
            if path == place or (place.endswith('/') and
                                 path.startswith(place)):
                return layer
        return None

    def folder_of_trace(self, name):
        """trace-io.h is made from io/trace-events.

        A folder that is split into layers counts as the first of them.
        """
        stem = os.path.basename(name)[len('trace-'):-len('.h')]
        for place, _ in self.rows:
            if place.replace('/', '-').startswith(stem + '-'):
                return place
        return None


def resolve(root, law, path, name, tests):
    """The included file's path in the tree, or in the build; or None.

    Tests also find each other's headers, which their builds point at.
    """
    own = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if os.path.exists(os.path.join(root, own)):
        return own
    for folder in SEARCH:
        there = os.path.normpath(os.path.join(folder, name))
        if os.path.exists(os.path.join(root, there)):
            return there
    base = os.path.basename(name)
    if path.startswith('tests/') and base in tests:
        return tests[base]
    if base == 'config-host.h':
        return base
    if re.match(r'qapi-[\w-]+\.h$', base):
        return 'qapi/' + base
    if base == 'trace.h':
        return own
    if re.match(r'trace-[\w-]+\.h$', base):
        folder = law.folder_of_trace(base)
        if folder:
            return os.path.join(folder, base)
    return None


def stem_of(path):
    stem = os.path.splitext(os.path.basename(path))[0]
    return stem[:-len('-internal')] if stem.endswith('-internal') else stem


def node_of(law, path, stems):
    """x.c, x.h and x-internal.h are one node, named after x.h."""
    if path.startswith('tests/'):
        return path
    return stems.get((law.layer_of(path), stem_of(path)), path)


def header_stems(law, files):
    stems = {}
    for path in sorted(files, key=lambda path: '-internal' in path):
        if path.endswith('.h') and not path.startswith('tests/'):
            stems.setdefault((law.layer_of(path), stem_of(path)), path)
    return stems


def check_include(law, report, path, line, name, target):
    layer, other = law.layer_of(path), law.layer_of(target)
    if other is None:
        report.add('place', path, line,
                   '"%s" (%s) is in no folder that %s lists'
                   % (name, target, LAW))
    elif other not in law.allowed[layer]:
        report.add('upward', path, line,
                   '"%s" is of layer %s; layer %s may include %s'
                   % (name, other, layer, law.limits[layer]))
    if target.endswith('-internal.h') and not path.startswith('tests/') and \
            os.path.dirname(target) != os.path.dirname(path):
        report.add('private', path, line,
                   '"%s" is private to %s/' % (name, os.path.dirname(target)))


def find_cycles(edges):
    """Strongly connected sets of more than one node (Tarjan, iterative)."""
    index, low, onstack = {}, {}, set()
    stack, result = [], []
    for start in sorted(edges):
        if start in index:
            continue
        work = [(start, iter(sorted(edges[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        onstack.add(start)
        while work:
            node, rest = work[-1]
            for following in rest:
                if following not in index:
                    index[following] = low[following] = len(index)
                    stack.append(following)
                    onstack.add(following)
                    work.append((following,
                                 iter(sorted(edges.get(following, ())))))
                    break
                if following in onstack:
                    low[node] = min(low[node], index[following])
            else:
                work.pop()
                if work:
                    parent = work[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        onstack.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1:
                        result.append(sorted(members))
    return result


def check_cycles(report, edges, where):
    for members in find_cycles(edges):
        hops = sorted((where[a, b], a, b) for a in members
                      for b in edges[a] if b in members)
        (path, line), _, target = hops[0]
        report.add('cycle', path, line,
                   'includes "%s" and so closes a cycle of %d files: %s'
                   % (target, len(members), ', '.join(members)))


def check(root):
    law = Law(checklib.read(root, LAW))
    report = checklib.Report(RULES)
    files = checklib.tree_files(root, checklib.C_SUFFIXES)
    stems = header_stems(law, files)
    tests = {os.path.basename(path): path for path in files
             if path.startswith('tests/')}
    edges, where = {}, {}
    for path in files:
        if law.layer_of(path) is None:
            report.add('place', path, 1,
                       'is in no folder that %s lists' % LAW)
            continue
        for line, name in checklib.includes(checklib.read(root, path)):
            target = resolve(root, law, path, name, tests)
            if target is None:
                report.add('found', path, line, 'no header "%s"' % name)
                continue
            check_include(law, report, path, line, name, target)
            here = node_of(law, path, stems)
            there = node_of(law, target, stems)
            if here != there:
                edges.setdefault(here, set()).add(there)
                edges.setdefault(there, set())
                where.setdefault((here, there), (path, line))
    check_cycles(report, edges, where)
    return report


def main():
    args = checklib.argument_parser(__doc__).parse_args()
    return check(args.root).finish(args.tap)


if __name__ == '__main__':
    sys.exit(main())
