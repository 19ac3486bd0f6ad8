#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the time of a migration goes: samples of the CPU clock, by side,
thread and cause, of several migrations.  Needs `perf`, and to be root for the
kernel's part.  Prints milliseconds of one migration and writes JSON.

The cause is the innermost function of the call chain that says something: a
page cleared in a fault in a read is "pages cleared".
"""

import argparse
import collections
import contextlib
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
import report  # noqa: E402
import rig  # noqa: E402
import run  # noqa: E402
import threadtimes  # noqa: E402

HERTZ = 4999
# Memory of holes takes so little that more runs are needed to see it.
MORE_RUNS = {'holes': 8}
NR_FUNCTIONS = 8

# From the innermost function outwards, the first line that fits.
CAUSES = tuple((text, re.compile(pattern)) for text, pattern in (
    ('zero test', r'buffer_is_zero|buffer_zero|zero_test|^zero_(avx|sse|int|wide)'),
    ('pages cleared', r'^clear_(huge_)?page|^clear_user_|folio_zero|'
     r'prep_new_page|kernel_init_pages|init_on_alloc'),
    ('holes asked for', r'pagemap|walk_page_range|file_llseek|seek_hole|'
     r'mincore'),
    ('pages spliced', r'splice|vmsplice|iter_to_pipe|pipe_to_|'
     r'generic_pipe_buf'),
    ('copied into the socket', r'(unix_stream|tcp|inet6?|sock)_sendmsg|'
     r'skb_copy_datagram_from_iter|skb_splice'),
    ('copied out of the socket', r'unix_stream_read|tcp_recvmsg|'
     r'skb_copy_datagram_iter|sock_recvmsg'),
    ('madvise and populate', r'madvise|populate|fallocate'),
    ('page faults', r'exc_page_fault|handle_mm_fault|do_fault|fault_in_|'
     r'get_user_pages'),
    ('written to a file', r'shmem_file_write|generic_perform_write|pwrite'),
    ('memory given back', r'unmap_|zap_|exit_mmap|free_pages|release_pages|'
     r'tlb_finish|shmem_undo'),
    ('write protection', r'change_protection|userfaultfd|uffd'),
    ('waits and wakes', r'futex|^__schedule|^schedule$|try_to_wake_up|'
     r'do_poll|do_select|ep_poll|eventfd'),
    ('start and end of threads', r'clone|do_exit|do_group_exit|ret_from_fork'),
    ('TLB of others', r'flush_tlb|smp_call_function'),
    ('system call itself', r'^(entry_SYSCALL|syscall_|do_syscall_64$)'),
))
_HEAD = re.compile(r'(\S.*?)\s+(\d+)/\d+\s+[\d.]+:\s')
_FRAME = re.compile(r'\s+[0-9a-f]+\s+(.+?)(?:\+0x[0-9a-f]+)?\s+\((.*)\)$')


def cause(chain, where):
    """Why that much time was spent; where is the innermost function's
    program, or kernel."""
    for function in chain:
        for text, pattern in CAUSES:
            if pattern.search(function):
                return text
    return 'kernel, other' if where == 'kernel' else 'program, other'


def samples(lines):
    """Yield (pid, thread, chain, where) from the output of perf script."""
    head, chain, where = None, [], None
    for line in lines:
        line = line.rstrip('\n')
        match = _HEAD.match(line)
        frame = _FRAME.match(line)
        if frame and head:
            if where is None:
                where = os.path.basename(frame.group(2))
                where = 'kernel' if 'kernel' in where or 'guest' in where \
                    else where
            chain.append(frame.group(1))
        elif match:
            head, chain, where = match, [], None
        elif not line and head:
            yield int(head.group(2)), head.group(1), chain, where or ''
            head = None


@contextlib.contextmanager
def recording(data, *pids):
    """perf record, on for the time of the block alone."""
    fifos = [data + '.ctl', data + '.ack']
    for path in fifos:
        os.mkfifo(path)
    perf = subprocess.Popen(
        ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', str(HERTZ), '-g',
         '-o', data, '-D', '-1', '--control', 'fifo:' + ','.join(fifos),
         '-p', ','.join(str(pid) for pid in pids)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    # Both ends of both, so that neither side waits for the other to open.
    control, answers = (os.fdopen(os.open(path, os.O_RDWR), 'r+b', 0)
                        for path in fifos)
    try:
        _say(perf, control, answers, b'enable\n')
        yield
        _say(perf, control, answers, b'disable\n')
    finally:
        perf.terminate()
        perf.communicate()
        control.close()
        answers.close()
        for path in fifos:
            os.unlink(path)


def _say(perf, control, answers, word):
    control.write(word)
    if perf.poll() is not None:
        raise RuntimeError('perf: ' + perf.stderr.read())
    if b'ack' not in answers.read(16):
        raise RuntimeError('perf does not answer')


def take(bench, program, setting, repeats):
    """(side, thread, cause) -> seconds of one migration, (side, innermost
    function) -> the same, and the runs."""
    found, functions = collections.Counter(), collections.Counter()
    runs = []
    data = os.path.join(bench.folder, 'perf.data')
    for _ in range(repeats):
        sides = {}

        def around(src, dst):
            sides.update({src: 'source', dst: 'destination'})
            return recording(data, src, dst)

        runs.append(bench.measure(program, setting, around))
        done = subprocess.run(
            ['perf', 'script', '-i', data, '-F', 'comm,pid,tid,time,event,'
             'ip,sym,symoff,dso'], capture_output=True, text=True,
            check=False)
        for pid, thread, chain, where in samples(done.stdout.splitlines()):
            side = sides.get(pid)
            if side:
                found[side, threadtimes.role(thread),
                      cause(chain, where)] += 1 / HERTZ / repeats
                functions[side, (chain or ['?'])[0]] += 1 / HERTZ / repeats
        os.unlink(data)
    return found, functions, runs


def table(found):
    """side -> [(cause, seconds, {thread: seconds})], the largest first."""
    sides = {}
    for (side, thread, text), seconds in found.items():
        entry = sides.setdefault(side, {}).setdefault(text, {})
        entry[thread] = entry.get(thread, 0) + seconds
    return {side: sorted(((text, sum(threads.values()), threads)
                          for text, threads in causes.items()),
                         key=lambda item: -item[1])
            for side, causes in sides.items()}


def show(label, program, sides, runs):
    print('%s, %s: wall %s ms, CPU %s ms' % (
        label, program,
        report.cell(report.spread([one['wall'] for one in runs])),
        report.cell(report.spread([one['cpu'] for one in runs]))))
    for side, causes in sorted(sides.items(), reverse=True):
        total = sum(seconds for _, seconds, _ in causes)
        print('  %s, %.1f ms sampled' % (side, 1000 * total))
        for text, seconds, threads in causes:
            if seconds >= 0.01 * total:
                names = ', '.join('%s %.1f' % (name, 1000 * value)
                                  for name, value in sorted(
                                      threads.items(),
                                      key=lambda item: -item[1]))
                print('    %-26s %8.1f ms %5.1f %%  %s' % (
                    text, 1000 * seconds, 100 * seconds / total, names))
    sys.stdout.flush()


def innermost(functions):
    """side -> {function: seconds} of the most frequent."""
    sides = {}
    for (side, name), seconds in functions.most_common():
        entry = sides.setdefault(side, {})
        if len(entry) < NR_FUNCTIONS:
            entry[name] = seconds
    return sides


def show_functions(sides):
    for side, functions in sorted(sides.items(), reverse=True):
        print('  %s, innermost: %s' % (side, ', '.join(
            '%s %.1f' % (name, 1000 * seconds)
            for name, seconds in functions.items())))


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    run.common_options(parser, 2048)
    parser.set_defaults(repeats=3, command='hotspots')
    options = parser.parse_args()
    run.check(parser, options)
    return options


def main():
    options = parse()
    run.name_programs(options)
    bench = rig.Rig()
    rows = []
    try:
        for kind in options.kind or run.TABLE:
            setting = run.settings(options, kind=kind)
            for program in run.programs_of(options):
                bench.measure(program, setting)
                found, functions, runs = take(
                    bench, program, setting,
                    options.repeats * MORE_RUNS.get(kind, 1))
                sides, functions = table(found), innermost(functions)
                show(kind, program, sides, runs)
                show_functions(functions)
                rows.append({'label': kind, 'program': program,
                             'setting': vars(setting).copy(),
                             'sides': sides, 'functions': functions,
                             'runs': runs})
    except (RuntimeError, FileNotFoundError) as err:
        print('hotspots.py: %s' % err, file=sys.stderr)
        return 1
    finally:
        bench.close()
    if options.output:
        report.write(options.output + '.json', report.document(
            'hotspots', options, run.programs_of(options), rows))
    return 0


if __name__ == '__main__':
    sys.exit(main())
