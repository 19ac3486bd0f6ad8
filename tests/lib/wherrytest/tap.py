# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs unittest cases and prints TAP: one line per test method and one more
# per sub-test, with the text of a failure as comment lines below it.  A test
# may set `tap_name` on its method; otherwise class and method name it.

import argparse
import signal
import sys
import traceback
import unittest


def describe(test):
    """The name of a test in the report."""
    method = getattr(test, test._testMethodName, None)
    name = getattr(method, 'tap_name', None)
    if name:
        return name
    text = test._testMethodName
    if text.startswith('test_'):
        text = text[len('test_'):]
    return '/%s/%s' % (type(test).__name__, text.replace('_', '-'))


class TapResult(unittest.TestResult):
    """Prints each result the moment it is known."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.count = 0
        self._bad = set()

    def _line(self, good, name, tail=''):
        self.count += 1
        name = name.replace('#', ' ').replace('\n', ' ')
        self.stream.write('%s %d - %s%s\n' % ('ok' if good else 'not ok',
                                              self.count, name, tail))
        self.stream.flush()

    def _comment(self, text):
        for line in text.splitlines():
            self.stream.write('# %s\n' % line)
        self.stream.flush()

    def _fail(self, test, err, name=None):
        self._line(False, name or describe(test))
        self._comment(''.join(traceback.format_exception(*err)))
        for line in getattr(test, 'diagnostics', lambda: [])():
            self._comment(line)

    def addSuccess(self, test):
        super().addSuccess(test)
        if id(test) not in self._bad:
            self._line(True, describe(test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        name = None if hasattr(test, '_testMethodName') else str(test)
        self._fail(test, err, name)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        name = describe(test) if hasattr(test, '_testMethodName') \
            else str(test)
        self._line(True, name, ' # SKIP ' + reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        name = '%s %s' % (describe(test), subtest._subDescription())
        if err is None:
            self._line(True, name)
        else:
            self._bad.add(id(test))
            self._fail(test, err, name)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def main(module='__main__'):
    """Run the tests of the calling script; exit status 1 on a failure."""
    parser = argparse.ArgumentParser(
        description='Run the test cases of this file and print TAP.')
    parser.add_argument('-l', '--list', action='store_true',
                        help='print the names of the cases and stop')
    parser.add_argument('pattern', nargs='*',
                        help='run only cases whose name contains one of these')
    args = parser.parse_args()
    loaded = unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules[module])
    tests = [t for t in flatten(loaded)
             if not args.pattern
             or any(p in describe(t) for p in args.pattern)]
    if args.list:
        print('\n'.join(describe(t) for t in tests))
        return 0
    # A test that takes too long is ended by SIGTERM; it must clean up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write('TAP version 13\n')
    result = TapResult(sys.stdout)
    unittest.TestSuite(tests).run(result)
    sys.stdout.write('1..%d\n' % result.count)
    sys.stdout.flush()
    return 0 if result.wasSuccessful() and result.count else 1
