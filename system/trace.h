/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of system/, made from its trace-events list. */
#ifndef SYSTEM_TRACE_H
#define SYSTEM_TRACE_H

#include "system/trace-system.h"

#endif
