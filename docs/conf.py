# SPDX-License-Identifier: GPL-2.0-or-later
#
# For those who want the documents as HTML: sphinx-build docs build/html
project = 'Wherry'
author = 'Wherry maintainers'
master_doc = 'index'
html_theme = 'alabaster'
