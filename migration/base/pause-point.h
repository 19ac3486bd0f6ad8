/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pause points: named places in a migration at which a test may hold a thread,
 * so that races, kills and cancels are driven and not met by luck.  Built only
 * with the meson option `pause_points`; a release package has none.
 *
 * Threads: the hook runs in whichever migration thread passes the point.
 */
#ifndef MIGRATION_BASE_PAUSE_POINT_H
#define MIGRATION_BASE_PAUSE_POINT_H

#include "config-host.h"
#include <stddef.h>

typedef enum PausePoint {
    /* the dirty log of a chunk was cleared, holes not asked for yet */
    PAUSE_POINT_AFTER_CLEAR,
    /* the holes of a chunk are known, its pages not read yet */
    PAUSE_POINT_AFTER_HOLE_QUERY,
    /* a packet was handed to the channels, none of it read yet */
    PAUSE_POINT_AFTER_SUBMIT,
    /* all pages are handed over, SYNC not sent yet */
    PAUSE_POINT_BEFORE_SYNC,
    /* the guest is stopped, END not sent yet */
    PAUSE_POINT_AT_SWITCHOVER,
    /* all is sent but the byte that makes the guest complete over there */
    PAUSE_POINT_BEFORE_HAND_OVER,
    /* that byte is on its way */
    PAUSE_POINT_AFTER_HAND_OVER,
    /* destination: everything is loaded, the guest not started yet */
    PAUSE_POINT_BEFORE_START,
} PausePoint;

typedef struct PausePoints {
    void (*hit)(void *opaque, PausePoint point);
    void *opaque;
} PausePoints;

/**
 * pause_point:
 * @points: the hook of a test, or NULL
 * @point: which point is passed
 *
 * Context: a migration thread that holds no lock.
 */
static inline void pause_point(const PausePoints *points, PausePoint point)
{
#ifdef CONFIG_PAUSE_POINTS
    if (points) {
        points->hit(points->opaque, point);
    }
#else
    (void)points;
    (void)point;
#endif
}

#endif
