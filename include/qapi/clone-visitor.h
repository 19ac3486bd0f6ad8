/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deep copies of generated types.
 *
 * The source is only read; any thread may copy as long as nobody changes it.
 * Include the type's qapi-visit-MODULE.h where QAPI_CLONE is used.
 */
#ifndef QAPI_CLONE_VISITOR_H
#define QAPI_CLONE_VISITOR_H

#include "qapi/visitor.h"

/**
 * qapi_clone_visitor_new:
 *
 * The visitor behind QAPI_CLONE; use that.  It replaces each pointer that it
 * visits by a pointer to a copy.
 *
 * Context: any thread.  Free it with visit_free().
 * Returns: the visitor.
 */
Visitor *qapi_clone_visitor_new(void);

/*
 * A deep copy of @src, a `Foo *` or `const Foo *` where Foo is a struct,
 * union, alternate or list of the schema; NULL for NULL.  The caller frees
 * it with qapi_free_Foo().
 */
#define QAPI_CLONE(type, src) ({ \
    type *qapi_clone_ = (type *)(const type *)(src); \
    if (qapi_clone_) { \
        g_autoptr(Visitor) qapi_clone_v_ = qapi_clone_visitor_new(); \
        visit_type_ ## type(qapi_clone_v_, NULL, &qapi_clone_, NULL); \
    } \
    qapi_clone_; \
})

#endif /* QAPI_CLONE_VISITOR_H */
