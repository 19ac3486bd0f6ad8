/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's commands about file descriptors.
 *
 * Threads: as monitor/hmp.h.
 */
#ifndef MONITOR_HMP_FDS_H
#define MONITOR_HMP_FDS_H

#include "io/fd-store.h"
#include "monitor/hmp.h"

/* Their opaque is an FdStore. */
extern const HmpCommand hmp_fd_commands[];

#endif /* MONITOR_HMP_FDS_H */
