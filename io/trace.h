/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of this folder, made from its trace-events list. */
#ifndef IO_TRACE_H
#define IO_TRACE_H

#include "io/trace-io.h"

#endif
