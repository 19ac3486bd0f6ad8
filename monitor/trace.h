/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of monitor/, made from its trace-events list. */
#ifndef MONITOR_TRACE_H
#define MONITOR_TRACE_H

#include "monitor/trace-monitor.h"

#endif
