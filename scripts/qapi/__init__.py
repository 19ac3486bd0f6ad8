# SPDX-License-Identifier: GPL-2.0-or-later
"""The QAPI generator: from a schema to C, introspection data and text."""
