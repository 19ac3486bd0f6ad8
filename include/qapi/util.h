/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What generated types stand on: enum tables, the skeleton shared by all
 * lists and alternates, and helpers to build lists.
 *
 * Const tables and pure functions only; any thread may use them.
 */
#ifndef QAPI_UTIL_H
#define QAPI_UTIL_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct Error Error;

/**
 * QType:
 * @QTYPE_NONE: not a value; the state of a zeroed alternate
 * @QTYPE_QNULL: null
 * @QTYPE_QNUM: a number, with or without a fraction
 * @QTYPE_QSTRING: a string
 * @QTYPE_QDICT: an object
 * @QTYPE_QLIST: an array
 * @QTYPE_QBOOL: true or false
 *
 * The kind of a JSON value; tells the branches of an alternate apart.
 */
typedef enum QType {
    QTYPE_NONE,
    QTYPE_QNULL,
    QTYPE_QNUM,
    QTYPE_QSTRING,
    QTYPE_QDICT,
    QTYPE_QLIST,
    QTYPE_QBOOL,
    QTYPE__MAX
} QType;

/**
 * QEnumLookup:
 * @array: the name of each value, in the order of the C enum
 * @size: how many
 */
typedef struct QEnumLookup {
    const char *const *array;
    int size;
} QEnumLookup;

/* How every generated FooList begins. */
typedef struct GenericList {
    struct GenericList *next;
    char padding[];
} GenericList;

/* How every generated alternate begins. */
typedef struct GenericAlternate {
    QType type;
    char padding[];
} GenericAlternate;

/**
 * qapi_enum_lookup:
 * @lookup: the table of the enum
 * @val: a value of that enum
 *
 * The name of an enum value.
 *
 * Context: any thread.  The text is static.
 * Returns: the name as it stands on the wire; NULL when @val is none of them.
 */
const char *qapi_enum_lookup(const QEnumLookup *lookup, int val);

/**
 * qapi_enum_parse:
 * @lookup: the table of the enum
 * @buf: a name, or NULL for the default
 * @def: the result when @buf is NULL, or unknown
 * @errp: set when @buf is unknown, or NULL where @def will do
 *
 * The value of an enum name.
 *
 * Context: any thread.
 * Returns: the value, or @def; with @def = -1 a caller can tell failure.
 */
int qapi_enum_parse(const QEnumLookup *lookup, const char *buf, int def,
                    Error **errp);

/**
 * qapi_bool_parse:
 * @name: of the parameter, for the message
 * @value: on, off, yes, no, true, false, y or n; not NULL
 * @obj: receives the result, untouched on failure
 * @errp: receives the reason on failure, or NULL
 *
 * Reads a boolean as a command line writes it.
 *
 * Context: any thread.
 * Returns: false with @errp set when @value is none of those words.
 */
bool qapi_bool_parse(const char *name, const char *value, bool *obj,
                     Error **errp);

/*
 * Put @element (a pointer, or a value for lists of scalars) in front of the
 * generated list @list.  Takes @element.
 */
#define QAPI_LIST_PREPEND(list, element) do { \
    typeof(list) qapi_list_node_ = g_new0(typeof(*(list)), 1); \
    qapi_list_node_->value = (element); \
    qapi_list_node_->next = (list); \
    (list) = qapi_list_node_; \
} while (0)

/*
 * Put @element at the end of a generated list.  @tail starts as the address
 * of an empty list's variable and moves on with each call.  Takes @element.
 */
#define QAPI_LIST_APPEND(tail, element) do { \
    *(tail) = g_new0(typeof(**(tail)), 1); \
    (*(tail))->value = (element); \
    (tail) = &(*(tail))->next; \
} while (0)

/* The number of elements of a generated list; NULL is the empty list. */
#define QAPI_LIST_LENGTH(list) ({ \
    size_t qapi_list_length_ = 0; \
    typeof(list) qapi_list_at_; \
    for (qapi_list_at_ = (list); qapi_list_at_; \
         qapi_list_at_ = qapi_list_at_->next) { \
        qapi_list_length_++; \
    } \
    qapi_list_length_; \
})

#endif /* QAPI_UTIL_H */
