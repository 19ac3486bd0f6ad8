/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace points of accel/, made from its trace-events list. */
#ifndef ACCEL_TRACE_H
#define ACCEL_TRACE_H

#include "accel/trace-accel.h"

#endif
