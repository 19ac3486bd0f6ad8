# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the figures are to be, as how many times faster Wherry, or a QEMU with
# our changes, is than a stock QEMU to itself, and whether they are.  The
# median of the pairs counts.

import report
from wherrytest import vm

# kind: figure: least factor.  Resident growth: largest share of guest RAM.
BOTH_SIDES = {
    'holes': {'wall': 50, 'cpu': 50, 'growth': 0.02},
    'zero': {'wall': 3, 'cpu': 2.5},
    'half': {'wall': 1.7, 'cpu': 1.5},
    'random': {'wall': 1.7, 'cpu': 1.5},
}
# With a stock QEMU as the destination of both.
SOURCE_ONLY = {
    'holes': {'wall': 5, 'cpu': 5},
    'zero': {'wall': 1.5, 'cpu': 1.5},
}
# A QEMU with our changes.  No slower is what a program is against itself:
# medians of eleven such pairs came to 0.92 to 1.07.
NO_SLOWER = 0.9
PATCHED = {
    'holes': {'wall': 10, 'growth': 0.02},
    'zero': {'wall': NO_SLOWER},
    'half': {'wall': NO_SLOWER},
    'random': {'wall': NO_SLOWER},
}
NAMES = {'wall': 'wall time', 'cpu': 'CPU time'}


class Verdict:
    """One target: what was measured, what was wanted, and whether it is."""

    def __init__(self, text, met):
        self.text, self.met = text, met

    def __str__(self):
        return '%s: %s' % ('met' if self.met else 'MISSED', self.text)

    def as_dict(self):
        return {'text': self.text, 'met': self.met}


def _factor(name, spread, least):
    median = spread['median']
    return Verdict('%s %.2f times less (%.2f to %.2f), wanted %g'
                   % (NAMES[name], median, spread['min'], spread['max'],
                      least), median >= least)


def _growth(side, grown, size, most):
    share = grown / size
    return Verdict('memory of the %s grows by %.1f MiB, %.2f %% of guest RAM,'
                   ' wanted under %g %%' % (side, grown / (1 << 20),
                                            100 * share, 100 * most),
                   share < most)


def judge(setting, summary):
    """Verdicts on the summary of a setting; none where nothing is wanted."""
    if 'factor' not in summary or setting['backend'] == 'hugetlb':
        return []
    ours = report.ours(summary)
    table = PATCHED if ours == vm.PATCHED else \
        SOURCE_ONLY if setting['destination'] == 'qemu' else BOTH_SIDES
    wanted = table.get(setting['kind'], {})
    found = [_factor(name, summary['factor'][name], wanted[name])
             for name in ('wall', 'cpu') if name in wanted]
    if 'growth' in wanted:
        for side in ('source', 'destination'):
            grown = summary[ours][side + '-growth']['median']
            found.append(_growth(side, grown, setting['size'] << 20,
                                 wanted['growth']))
    return found


def judge_stress(summary):
    """A guest that writes: no more rounds, and no longer downtime."""
    found = []
    for name, text, form in (('rounds', 'rounds', '%d'),
                             ('downtime', 'downtime ms', '%.2f')):
        ours, stock = (summary[who][name]['median']
                       for who in (report.ours(summary), vm.QEMU))
        found.append(Verdict(('%s ' + form + ', stock ' + form)
                             % (text, ours, stock), ours <= stock))
    return found
