/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of this folder, made from its trace-events list. */
#ifndef UTIL_TRACE_H
#define UTIL_TRACE_H

#include "util/trace-util.h"

#endif /* UTIL_TRACE_H */
