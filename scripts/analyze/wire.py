# SPDX-License-Identifier: GPL-2.0-or-later
#
# The numbers of the wire format, as docs/devel/wire-format.rst has them.

PAGE = 4096
MAGIC, VERSION = 0x5145564d, 3
MULTIFD_MAGIC, MULTIFD_VERSION = 0x11223344, 1
PACKET_SIZE = 512 << 10         # of pages, unless the source says otherwise

EOF, START, PART, END, FULL, SUBSECTION, DESCRIPTION, CONFIGURATION, \
    COMMAND = range(9)
FOOTER = 0x7e
SECTIONS = {START: 'START', PART: 'PART', END: 'END', FULL: 'FULL'}

# Records of RAM: the low 12 bits of a word.
ZERO, MEM_SIZE, PAGE_DATA, EOS, CONTINUE, XBZRLE, FLUSH = \
    0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x200
FLAGS = 0xfff

COMMANDS = {
    1: 'OPEN_RETURN_PATH', 2: 'PING', 3: 'POSTCOPY_ADVISE',
    4: 'POSTCOPY_LISTEN', 5: 'POSTCOPY_RUN', 6: 'POSTCOPY_RAM_DISCARD',
    7: 'PACKAGED', 8: 'ENABLE_COLO', 9: 'POSTCOPY_RESUME',
    10: 'RECV_BITMAP', 11: 'SWITCHOVER_START',
}
POSTCOPY_ADVISE, PACKAGED = 3, 7
# Payload lengths of commands; those not here vary.
COMMAND_LENGTHS = {1: (0,), 2: (4,), 3: (0, 16), 4: (0,), 5: (0,), 7: (4,),
                   8: (0,), 9: (0,), 11: (0,)}

# Flags of a multifd packet.
SYNC, DEVICE_STATE, METHOD = 0x01, 0x40, 0x3e
METHODS = {0x00: 'none', 0x02: 'zlib', 0x04: 'zstd', 0x08: 'qpl',
           0x10: 'uadk', 0x20: 'qatzip'}
GREETING = '>II16sB7xQ24x'
PACKET = '>IIIIIIQI28x256s'

MAPPED_HEADER = '>IQQQ'         # version, page size, bitmap, pages
MAPPED_VERSION = 1

CAPABILITY_MAPPED = 'mapped-ram'
CAPABILITY_SHARED = 'x-ignore-shared'
CAPABILITY_PACKET = 'multifd-packet-size-'

# Sections of machine `none`, for streams whose description is empty.
KNOWN_SIZES = {('timer', 0): 24, ('globalstate', 0): 104}
