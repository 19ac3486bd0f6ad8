/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over a generated type.  One generated function per type names its
 * members in order; the visitor behind @v decides what happens to each: an
 * input visitor fills it from JSON, an output visitor turns it into JSON, the
 * dealloc visitor frees it, the clone visitor copies it.
 *
 * Member names are relative to the object or list around them; list elements
 * and the root have the name NULL.  Input visitors build the object: they
 * allocate in visit_start_struct() and leave what they made, whole or not, in
 * the pointer, and generated code frees it on failure.  `null` and `any`
 * values are json-c pointers, in which NULL stands for JSON's null.
 *
 * A visitor belongs to one thread at a time and owns no locks.  Unless noted,
 * the functions return true on success and false with @errp set; only input
 * visitors fail.
 */
#ifndef QAPI_VISITOR_H
#define QAPI_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "qapi/util.h"

struct json_object;
typedef struct Error Error;
typedef struct Visitor Visitor;

/**
 * visit_complete:
 * @v: the visitor
 * @opaque: where the constructor was told to put the result
 *
 * Ends an output visit and hands the result over.  Called once, before
 * visit_free(); the other visitors do nothing here.
 *
 * Context: the visitor's thread.
 */
void visit_complete(Visitor *v, void *opaque);

/**
 * visit_free:
 * @v: the visitor, or NULL
 *
 * Frees a visitor, in the middle of a visit too; not what it visited.
 *
 * Context: the visitor's thread.
 */
void visit_free(Visitor *v);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Visitor, visit_free)

/**
 * visit_is_input:
 * @v: the visitor
 *
 * Context: the visitor's thread.
 * Returns: whether the visit fills in the C object, so that generated code
 *          has to undo a half-built one.
 */
bool visit_is_input(const Visitor *v);

/**
 * visit_is_dealloc:
 * @v: the visitor
 *
 * Context: the visitor's thread.
 * Returns: whether the visit frees the C object, which may be half-built.
 */
bool visit_is_dealloc(const Visitor *v);

/**
 * visit_start_struct:
 * @v: the visitor
 * @name: the member's name
 * @obj: address of the object's pointer, which an input visitor sets; NULL
 *       when the members are visited without an object around them
 * @size: of the object in bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Enters an object.  After success visit_end_struct() must follow.
 *
 * Context: the visitor's thread.
 * Returns: false when the input is no object.
 */
bool visit_start_struct(Visitor *v, const char *name, void **obj,
                        size_t size, Error **errp);

/**
 * visit_check_struct:
 * @v: the visitor
 * @errp: receives the reason on failure, or NULL
 *
 * Called after the last member, before visit_end_struct().
 *
 * Context: the visitor's thread.
 * Returns: false when the input has members which nobody asked for.
 */
bool visit_check_struct(Visitor *v, Error **errp);

/**
 * visit_end_struct:
 * @v: the visitor
 * @obj: the same as for visit_start_struct()
 *
 * Leaves an object, after success and after failure.
 *
 * Context: the visitor's thread.
 */
void visit_end_struct(Visitor *v, void **obj);

/**
 * visit_start_list:
 * @v: the visitor
 * @name: the member's name
 * @list: address of the list's head, which an input visitor sets
 * @size: of one list node in bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Enters a list.  After success visit_end_list() must follow.
 *
 * Context: the visitor's thread.
 * Returns: false when the input is no array.
 */
bool visit_start_list(Visitor *v, const char *name, GenericList **list,
                      size_t size, Error **errp);

/**
 * visit_next_list:
 * @v: the visitor
 * @tail: the present node, whose element was visited
 * @size: of one list node in bytes
 *
 * Moves on; an input visitor allocates the next node.
 *
 * Context: the visitor's thread.
 * Returns: the next node, or NULL at the end.
 */
GenericList *visit_next_list(Visitor *v, GenericList *tail, size_t size);

/**
 * visit_end_list:
 * @v: the visitor
 * @list: the same as for visit_start_list()
 *
 * Leaves a list, after success and after failure.
 *
 * Context: the visitor's thread.
 */
void visit_end_list(Visitor *v, void **list);

/**
 * visit_start_alternate:
 * @v: the visitor
 * @name: the member's name
 * @obj: address of the alternate's pointer; an input visitor sets it and
 *       stores the kind of the input in its type
 * @size: of the alternate in bytes
 * @errp: receives the reason on failure, or NULL
 *
 * Enters an alternate.  After success visit_end_alternate() must follow.
 *
 * Context: the visitor's thread.
 * Returns: false when the input is missing.
 */
bool visit_start_alternate(Visitor *v, const char *name,
                           GenericAlternate **obj, size_t size,
                           Error **errp);

/**
 * visit_end_alternate:
 * @v: the visitor
 * @obj: the same as for visit_start_alternate()
 *
 * Leaves an alternate, after success and after failure.
 *
 * Context: the visitor's thread.
 */
void visit_end_alternate(Visitor *v, void **obj);

/**
 * visit_bad_alternate:
 * @v: the visitor
 * @name: the member's name
 * @type_name: of the alternate
 * @errp: receives the reason, or NULL
 *
 * What generated code says when no branch takes the kind of the input.
 *
 * Context: the visitor's thread.
 */
void visit_bad_alternate(Visitor *v, const char *name, const char *type_name,
                         Error **errp);

/**
 * visit_optional:
 * @v: the visitor
 * @name: the member's name
 * @present: whether the object has the member; an input visitor sets it
 *
 * Asks about an optional member; it is visited only after true.
 *
 * Context: the visitor's thread.
 * Returns: *@present.
 */
bool visit_optional(Visitor *v, const char *name, bool *present);

/**
 * visit_type_enum:
 * @v: the visitor
 * @name: the member's name
 * @obj: the value
 * @lookup: the enum's table
 * @errp: receives the reason on failure, or NULL
 *
 * Visits an enum, which is a string on the wire.
 *
 * Context: the visitor's thread.
 * Returns: false for no string or an unknown name; also when an output
 *          visitor meets a value outside the enum.
 */
bool visit_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, Error **errp);

/*
 * The built-in types.  The first group are integers, refused when the input
 * has a fraction or does not fit; as in QEMU `uint64` and `size` take a
 * negative number for what it is modulo 2^64, so -1 is the largest.  In text
 * `size` takes suffixes such as 4K.
 */
#define QAPI_VISITOR_DECLARE_SCALAR(NAME, TYPE) \
    bool visit_type_ ## NAME(Visitor *v, const char *name, TYPE *obj, \
                             Error **errp)

QAPI_VISITOR_DECLARE_SCALAR(int, int64_t);
QAPI_VISITOR_DECLARE_SCALAR(int8, int8_t);
QAPI_VISITOR_DECLARE_SCALAR(int16, int16_t);
QAPI_VISITOR_DECLARE_SCALAR(int32, int32_t);
QAPI_VISITOR_DECLARE_SCALAR(int64, int64_t);
QAPI_VISITOR_DECLARE_SCALAR(uint8, uint8_t);
QAPI_VISITOR_DECLARE_SCALAR(uint16, uint16_t);
QAPI_VISITOR_DECLARE_SCALAR(uint32, uint32_t);
QAPI_VISITOR_DECLARE_SCALAR(uint64, uint64_t);
QAPI_VISITOR_DECLARE_SCALAR(size, uint64_t);
QAPI_VISITOR_DECLARE_SCALAR(bool, bool);
QAPI_VISITOR_DECLARE_SCALAR(number, double);
/* The caller frees the text with g_free(). */
QAPI_VISITOR_DECLARE_SCALAR(str, char *);
/* The caller owns a reference. */
QAPI_VISITOR_DECLARE_SCALAR(any, struct json_object *);
/* Stores NULL; checks that the input is null. */
QAPI_VISITOR_DECLARE_SCALAR(null, struct json_object *);

#endif /* QAPI_VISITOR_H */
