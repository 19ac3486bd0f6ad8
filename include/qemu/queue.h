/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive lists under QEMU's names.  The element holds the links in a
 * field of its own; a list never owns its elements.
 *
 * QLIST: singly headed, remove anywhere.  QSIMPLEQ: singly linked queue,
 * append and take from the front.  QTAILQ: doubly linked, both ends.
 * FOREACH must not remove the element it stands on; FOREACH_SAFE may.
 *
 * No locking: the owner of the head provides it.
 */
#ifndef QEMU_QUEUE_H
#define QEMU_QUEUE_H

#include <stddef.h>

#include "qemu/compiler.h"

/* QLIST: each element knows the pointer that points at it. */
#define QLIST_HEAD(name, type) \
    struct name { struct type *lh_first; }
#define QLIST_HEAD_INITIALIZER(head) { NULL }
#define QLIST_ENTRY(type) \
    struct { struct type *le_next; struct type **le_prev; }

#define QLIST_INIT(head) ((void)((head)->lh_first = NULL))
#define QLIST_EMPTY(head) ((head)->lh_first == NULL)
#define QLIST_FIRST(head) ((head)->lh_first)
#define QLIST_NEXT(elm, field) ((elm)->field.le_next)

#define QLIST_INSERT_HEAD(head, elm, field) \
    qlist_link_(&(head)->lh_first, elm, field)
#define QLIST_INSERT_AFTER(listelm, elm, field) \
    qlist_link_(&(listelm)->field.le_next, elm, field)
#define QLIST_INSERT_BEFORE(listelm, elm, field) \
    qlist_link_((listelm)->field.le_prev, elm, field)
#define qlist_link_(where, elm, field) do { \
        typeof(elm) new_ = (elm); \
        typeof(&new_->field.le_next) where_ = (where); \
        typeof(elm) next_ = *where_; \
        new_->field.le_next = next_; \
        new_->field.le_prev = where_; \
        *where_ = new_; \
        if (next_) { \
            next_->field.le_prev = &new_->field.le_next; \
        } \
    } while (0)

#define QLIST_REMOVE(elm, field) do { \
        typeof(elm) old_ = (elm); \
        typeof(elm) next_ = old_->field.le_next; \
        *old_->field.le_prev = next_; \
        if (next_) { \
            next_->field.le_prev = old_->field.le_prev; \
        } \
        old_->field.le_next = NULL; \
        old_->field.le_prev = NULL; \
    } while (0)
/* Removes it if it is in a list; its links were zeroed or removed before. */
#define QLIST_SAFE_REMOVE(elm, field) do { \
        if ((elm)->field.le_prev) { \
            QLIST_REMOVE(elm, field); \
        } \
    } while (0)
#define QLIST_IS_INSERTED(elm, field) ((elm)->field.le_prev != NULL)

#define QLIST_FOREACH(var, head, field) \
    for ((var) = QLIST_FIRST(head); (var); (var) = QLIST_NEXT(var, field))
#define QLIST_FOREACH_SAFE(var, head, field, next_var) \
    for ((var) = QLIST_FIRST(head); \
         (var) && ((next_var) = QLIST_NEXT(var, field), 1); \
         (var) = (next_var))

/* QSIMPLEQ: the head knows where the next element will be linked. */
#define QSIMPLEQ_HEAD(name, type) \
    struct name { struct type *sqh_first; struct type **sqh_last; }
#define QSIMPLEQ_HEAD_INITIALIZER(head) { NULL, &(head).sqh_first }
#define QSIMPLEQ_ENTRY(type) \
    struct { struct type *sqe_next; }

#define QSIMPLEQ_INIT(head) do { \
        (head)->sqh_first = NULL; \
        (head)->sqh_last = &(head)->sqh_first; \
    } while (0)
#define QSIMPLEQ_EMPTY(head) ((head)->sqh_first == NULL)
#define QSIMPLEQ_FIRST(head) ((head)->sqh_first)
#define QSIMPLEQ_NEXT(elm, field) ((elm)->field.sqe_next)

#define QSIMPLEQ_INSERT_HEAD(head, elm, field) do { \
        (elm)->field.sqe_next = (head)->sqh_first; \
        if (!(head)->sqh_first) { \
            (head)->sqh_last = &(elm)->field.sqe_next; \
        } \
        (head)->sqh_first = (elm); \
    } while (0)
#define QSIMPLEQ_INSERT_TAIL(head, elm, field) do { \
        (elm)->field.sqe_next = NULL; \
        *(head)->sqh_last = (elm); \
        (head)->sqh_last = &(elm)->field.sqe_next; \
    } while (0)
#define QSIMPLEQ_REMOVE_HEAD(head, field) do { \
        typeof((head)->sqh_first) old_ = (head)->sqh_first; \
        (head)->sqh_first = old_->field.sqe_next; \
        if (!(head)->sqh_first) { \
            (head)->sqh_last = &(head)->sqh_first; \
        } \
        old_->field.sqe_next = NULL; \
    } while (0)
/* Moves all of @tail behind @head; @tail ends up empty. */
#define QSIMPLEQ_CONCAT(head, tail) do { \
        if (!QSIMPLEQ_EMPTY(tail)) { \
            *(head)->sqh_last = (tail)->sqh_first; \
            (head)->sqh_last = (tail)->sqh_last; \
            QSIMPLEQ_INIT(tail); \
        } \
    } while (0)

#define QSIMPLEQ_FOREACH(var, head, field) \
    for ((var) = QSIMPLEQ_FIRST(head); (var); \
         (var) = QSIMPLEQ_NEXT(var, field))
#define QSIMPLEQ_FOREACH_SAFE(var, head, field, next_var) \
    for ((var) = QSIMPLEQ_FIRST(head); \
         (var) && ((next_var) = QSIMPLEQ_NEXT(var, field), 1); \
         (var) = (next_var))

/*
 * QTAILQ: as QLIST, and the head knows the last link.  The element before
 * is found by treating a link's address as the address of its field.
 */
#define QTAILQ_HEAD(name, type) \
    struct name { struct type *tqh_first; struct type **tqh_last; }
#define QTAILQ_HEAD_INITIALIZER(head) { NULL, &(head).tqh_first }
#define QTAILQ_ENTRY(type) \
    struct { struct type *tqe_next; struct type **tqe_prev; }

#define QTAILQ_INIT(head) do { \
        (head)->tqh_first = NULL; \
        (head)->tqh_last = &(head)->tqh_first; \
    } while (0)
#define QTAILQ_EMPTY(head) ((head)->tqh_first == NULL)
#define QTAILQ_FIRST(head) ((head)->tqh_first)
#define QTAILQ_NEXT(elm, field) ((elm)->field.tqe_next)
#define QTAILQ_IN_USE(elm, field) ((elm)->field.tqe_prev != NULL)
/* The element whose tqe_next is at @link; @link is not the head's. */
#define qtailq_owner_(link, elmtype, field) \
    ((elmtype)((char *)(link) - \
               offsetof(typeof(*(elmtype)0), field.tqe_next)))
#define QTAILQ_LAST_FIELD(head, field) \
    (QTAILQ_EMPTY(head) ? NULL : \
     qtailq_owner_((head)->tqh_last, typeof((head)->tqh_first), field))
#define QTAILQ_PREV_FIELD(head, elm, field) \
    ((elm)->field.tqe_prev == &(head)->tqh_first ? NULL : \
     qtailq_owner_((elm)->field.tqe_prev, typeof((head)->tqh_first), field))

#define QTAILQ_INSERT_HEAD(head, elm, field) \
    qtailq_link_(head, &(head)->tqh_first, elm, field)
#define QTAILQ_INSERT_TAIL(head, elm, field) \
    qtailq_link_(head, (head)->tqh_last, elm, field)
#define QTAILQ_INSERT_AFTER(head, listelm, elm, field) \
    qtailq_link_(head, &(listelm)->field.tqe_next, elm, field)
#define QTAILQ_INSERT_BEFORE(head, listelm, elm, field) \
    qtailq_link_(head, (listelm)->field.tqe_prev, elm, field)
#define qtailq_link_(head, where, elm, field) do { \
        typeof((head)->tqh_first) new_ = (elm); \
        typeof((head)->tqh_last) where_ = (where); \
        typeof((head)->tqh_first) next_ = *where_; \
        new_->field.tqe_next = next_; \
        new_->field.tqe_prev = where_; \
        *where_ = new_; \
        if (next_) { \
            next_->field.tqe_prev = &new_->field.tqe_next; \
        } else { \
            (head)->tqh_last = &new_->field.tqe_next; \
        } \
    } while (0)

#define QTAILQ_REMOVE(head, elm, field) do { \
        typeof((head)->tqh_first) old_ = (elm); \
        typeof((head)->tqh_first) next_ = old_->field.tqe_next; \
        *old_->field.tqe_prev = next_; \
        if (next_) { \
            next_->field.tqe_prev = old_->field.tqe_prev; \
        } else { \
            (head)->tqh_last = old_->field.tqe_prev; \
        } \
        old_->field.tqe_next = NULL; \
        old_->field.tqe_prev = NULL; \
    } while (0)

#define QTAILQ_FOREACH(var, head, field) \
    for ((var) = QTAILQ_FIRST(head); (var); (var) = QTAILQ_NEXT(var, field))
#define QTAILQ_FOREACH_SAFE(var, head, field, next_var) \
    for ((var) = QTAILQ_FIRST(head); \
         (var) && ((next_var) = QTAILQ_NEXT(var, field), 1); \
         (var) = (next_var))

#endif /* QEMU_QUEUE_H */
