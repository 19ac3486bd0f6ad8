#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs migrations as scenario files say, with wherry or a stock QEMU at either
# end, writes a report of each, and draws the progress of any number of them.
# docs/user/guestperf.rst tells how.

import argparse
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guestperf  # noqa: E402
from guestperf import offer, plot, report, run, scenario  # noqa: E402


def command_list(_):
    for name in scenario.built_in():
        print('%-18s %s' % (name, scenario.read(name).title))
    return 0


def command_run(options):
    what = scenario.read(options.scenario, options.set)
    folder = os.path.dirname(os.path.abspath(options.output))
    if not os.access(folder, os.W_OK):
        # Better told before the run than after it.
        raise guestperf.Error('%s cannot be written: no folder %s, or no '
                              'right to write there'
                              % (options.output, folder))
    source = offer.Program(options.binary)
    destination = offer.Program(options.destination or options.binary)
    document = run.run(what, source, destination)
    report.check('this report', document)
    report.write(options.output, document)
    print(plot.text_table(*plot.final_table([document],
                                            plot.names([document]))))
    if not document['ram-check']['equal']:
        print('guestperf: ' + document['ram-check']['how'], file=sys.stderr)
    return 0 if document['ram-check']['equal'] or \
        document['outcome']['source'] == 'cancelled' else 1


def command_draw(options):
    reports = [report.load(path) for path in options.report]
    labels = plot.names(reports)
    text, missing = plot.page(options.title, reports, labels)
    plot.write(options.output, text)
    print(plot.text_table(*plot.final_table(reports, labels)))
    if missing:
        print('guestperf: ' + missing, file=sys.stderr)
    return 1 if missing else 0


def parse():
    parser = argparse.ArgumentParser(
        prog='guestperf', description='Run migrations by scenario files, '
        'report them, and compare them in charts.')
    commands = parser.add_subparsers(dest='command', required=True)
    one = commands.add_parser('run', help='one migration, one report')
    one.add_argument('--scenario', required=True, metavar='FILE',
                     help='a scenario file, or the name of a built-in one')
    one.add_argument('--binary', default='wherry', metavar='PROGRAM',
                     help='wherry, qemu, or a path (default: wherry)')
    one.add_argument('--destination', metavar='PROGRAM',
                     help='another program for the destination')
    one.add_argument('--set', action='append', default=[],
                     metavar='SECTION.KEY=VALUE',
                     help='another value than in the scenario file')
    one.add_argument('--output', required=True, metavar='FILE',
                     help='the report to write, JSON')
    one.set_defaults(function=command_run)
    for name, count, text in (
            ('compare', '+', 'charts of any number of reports'),
            ('plot', 1, 'charts of a single report')):
        one = commands.add_parser(name, help=text)
        one.add_argument('report', nargs=count, metavar='REPORT')
        one.add_argument('--output', required=True, metavar='FILE',
                         help='the page to write, HTML')
        one.add_argument('--title', default='Migrations',
                         help='its heading (default: Migrations)')
        one.set_defaults(function=command_draw)
    one = commands.add_parser('list', help='the built-in scenarios')
    one.set_defaults(function=command_list)
    return parser.parse_args()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = options.function(options)
        sys.stdout.flush()
        return status
    except guestperf.Error as err:
        print('guestperf: %s' % err, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads the output has seen enough; leave nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print()
        return 130


if __name__ == '__main__':
    sys.exit(main())
