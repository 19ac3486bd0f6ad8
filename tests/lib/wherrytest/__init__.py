# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the process-level tests, the benchmark and the demo share: a QMP
# client, virtual machines (wherry or a stock QEMU), RAM images, an encoder
# and a decoder of migration streams, and one function that migrates.
# Standard library only, Python 3.9 or later.
