/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The visitor behind the generated qapi_free_Foo() functions, which are what
 * a caller wants.  It copes with half-built objects.
 *
 * Used by one thread at a time; owns no locks.
 */
#ifndef QAPI_DEALLOC_VISITOR_H
#define QAPI_DEALLOC_VISITOR_H

#include "qapi/visitor.h"

/**
 * qapi_dealloc_visitor_new:
 *
 * Context: any thread.  Free it with visit_free().
 * Returns: a visitor which frees what it visits.
 */
Visitor *qapi_dealloc_visitor_new(void);

#endif /* QAPI_DEALLOC_VISITOR_H */
