# SPDX-License-Identifier: GPL-2.0-or-later
#
# Charts as SVG text, drawn by pygal (Debian: python3-pygal), and pages of HTML
# that hold several of them and need no other file.  Tables and pages come
# without pygal, too; a chart then raises ChartMissing with a sentence for
# people.  The same figures always give the same bytes.

import html
import importlib
import math
import os
import re
import sys

# Told apart by those who see fewer colours, too, also in print.
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9',
           '#7f3c8d', '#4b4b4b', '#a5aa00', '#b22222')
DASHES = (None, '8, 4', '2, 3', '8, 3, 2, 3')
MISSING = 'no charts: Python has no module pygal; on Debian ' \
    'scripts/install-deps.sh installs it, as python3-pygal'
WIDTH, HEIGHT = 900, 420
COLUMNS, LEGEND_ROW = 3, 18
# More letters than that do not fit side by side below the bars.
LABELS_MAX = 90
# Where Debian's packages are, for a Python that is not Debian's own.
SYSTEM_PACKAGES = '/usr/lib/python3/dist-packages'

STYLE = '''
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 60em;
       padding: 0 1em; color: #222; background: #fff; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; font-size: 0.9em; }
th, td { border-bottom: 1px solid #ccc; padding: 0.2em 0.8em 0.2em 0;
         text-align: right; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } figure { margin: 1em 0; }
figure svg { max-width: 100%; height: auto; }
'''


class ChartMissing(Exception):
    """There is no pygal."""


def _import():
    if os.environ.get('WHERRY_TEST_NO_PYGAL'):
        raise ChartMissing(MISSING)
    try:
        return importlib.import_module('pygal')
    except ImportError:
        pass
    if not os.path.isdir(os.path.join(SYSTEM_PACKAGES, 'pygal')):
        raise ChartMissing(MISSING)
    sys.path.append(SYSTEM_PACKAGES)
    try:
        return importlib.import_module('pygal')
    except ImportError as err:
        raise ChartMissing('%s (%s)' % (MISSING, err)) from err
    finally:
        sys.path.remove(SYSTEM_PACKAGES)


def require():
    """The module that draws; ChartMissing without one."""
    return _import()


def available():
    try:
        _import()
        return True
    except ChartMissing:
        return False


def number(value):
    """A figure as people read it: three or four digits that count."""
    if value is None:
        return ''
    if abs(value) >= 1000:
        return '{:,.0f}'.format(value).replace(',', ' ')
    text = '%.4g' % value
    return '0' if text == '-0' else text


def _new(kind, title, x_title, y_title, **more):
    pygal = _import()
    style = pygal.style.Style(
        background='#ffffff', plot_background='#ffffff',
        foreground='#333333', foreground_strong='#111111',
        foreground_subtle='#888888', colors=COLOURS, opacity='.9',
        opacity_hover='1', transition='0s', font_family='sans-serif',
        title_font_size=17, label_font_size=12, major_label_font_size=12,
        legend_font_size=13, value_font_size=11)
    made = getattr(pygal, kind)(
        style=style, title=title, x_title=x_title, y_title=y_title,
        width=WIDTH, js=[], disable_xml_declaration=True,
        legend_at_bottom=True, legend_at_bottom_columns=COLUMNS, max_scale=10,
        margin_bottom=32,
        truncate_legend=-1, truncate_label=-1, no_data_text='no figures',
        value_formatter=number, x_value_formatter=number,
        **{'height': HEIGHT, **more})
    made.uuid = re.sub(r'\W+', '-', '%s-%s' % (kind, title)).lower()
    return made


def _render(made):
    # What is left of the scripts does nothing without pygal's own; a browser
    # shows a <title> where the pointer is, and does not show a <desc>.
    text = re.sub(r'(?s)<script.*?</script>|<!--.*?-->', '',
                  made.render(is_unicode=True))
    return re.sub(r'<desc class="value">(.*?)</desc>', r'<title>\1</title>',
                  text)


def lines(title, series, x_title=None, y_title=None):
    """Lines over an x axis from 0; series: [(name, [(x, y), ...]), ...].

    Points without y are left out.  A line of one point is drawn as a dot.
    """
    last = max((x for _, points in series for x, _ in points), default=0)
    made = _new('XY', title, x_title, y_title, show_dots=False,
                include_x_axis=True, xrange=(0, last or 1),
                height=HEIGHT + LEGEND_ROW * ((len(series) - 1) // COLUMNS))
    for turn, (name, points) in enumerate(series):
        points = [(x, y) for x, y in points if y is not None]
        stroke = {'width': 2}
        if DASHES[turn % len(DASHES)]:
            stroke['dasharray'] = DASHES[turn % len(DASHES)]
        made.add(name, points, show_dots=len(points) == 1,
                 stroke_style=stroke)
    return _render(made)


def bars(title, labels, series, y_title=None, log=False):
    """Groups of bars; series: [(name, [value for each label]), ...].

    A value is a number, None, or (value, least, most), which is drawn with
    its spread.  With LOG the axis is logarithmic.
    """
    more = _decades(series) if log else {'include_x_axis': True}
    if sum(len(label) for label in labels) > LABELS_MAX:
        more['x_label_rotation'] = 20
    made = _new('Bar', title, None, y_title, **more)
    made.x_labels = list(labels)
    for name, values in series:
        made.add(name, [_bar(value) for value in values])
    return _render(made)


def _decades(series):
    """The axis of logarithmic bars: whole powers of ten."""
    values = [low for _, values in series for value in values
              for low in (value if isinstance(value, (tuple, list))
                          else (value,)) if low]
    first = math.ceil(math.log10(min(values, default=1))) - 1
    last = max(first + 1, math.ceil(math.log10(max(values, default=1))))
    return {'logarithmic': True, 'zero': 10.0 ** first,
            'range': (10.0 ** first, 10.0 ** last),
            'y_labels': [10.0 ** n for n in range(first, last + 1)]}


def _bar(value):
    if not isinstance(value, (tuple, list)):
        return value
    middle, least, most = value
    return {'value': middle, 'ci': {'low': least, 'high': most}}


def table(head, rows):
    """HTML; the first column to the left, figures to the right."""
    def row(cells, tag):
        return '<tr>%s</tr>' % ''.join(
            '<%s>%s</%s>' % (tag, html.escape(
                cell if isinstance(cell, str) else number(cell)), tag)
            for cell in cells)
    return '<div class="wide"><table>\n%s\n%s\n</table></div>' % (
        row(head, 'th'), '\n'.join(row(cells, 'td') for cells in rows))


def heading(text):
    return '<h2>%s</h2>' % html.escape(text)


def paragraph(text):
    return '<p>%s</p>' % html.escape(text)


def page(title, parts):
    """One HTML file; parts: SVG texts and what the functions above give."""
    body = '\n'.join('<figure>%s</figure>' % part
                     if part.lstrip().startswith('<svg') else part
                     for part in parts)
    return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n'
            '<meta charset="utf-8">\n<title>%s</title>\n<style>%s</style>\n'
            '</head>\n<body>\n<h1>%s</h1>\n%s\n</body>\n</html>\n'
            % (html.escape(title), STYLE, html.escape(title), body))
