/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a visitor is made of; for the visitors in this folder only.
 *
 * visit-core.c calls the functions below, whose contracts are those of the
 * visit_...() functions of the same name in qapi/visitor.h.  Where a function
 * is NULL there is nothing to do.  Enums and narrow integers are built upon
 * type_str, type_int64 and type_uint64.
 */
#ifndef QAPI_VISITOR_INTERNAL_H
#define QAPI_VISITOR_INTERNAL_H

#include "qapi/visitor.h"

/**
 * VisitorKind:
 * @VISITOR_INPUT: fills the C object
 * @VISITOR_OUTPUT: reads it
 * @VISITOR_CLONE: replaces pointers by pointers to copies
 * @VISITOR_DEALLOC: frees it
 */
typedef enum VisitorKind {
    VISITOR_INPUT,
    VISITOR_OUTPUT,
    VISITOR_CLONE,
    VISITOR_DEALLOC,
} VisitorKind;

typedef struct VisitorOps {
    VisitorKind kind;

    bool (*start_struct)(Visitor *v, const char *name, void **obj,
                         size_t size, Error **errp);
    bool (*check_struct)(Visitor *v, Error **errp);
    void (*end_struct)(Visitor *v, void **obj);

    bool (*start_list)(Visitor *v, const char *name, GenericList **list,
                       size_t size, Error **errp);
    GenericList *(*next_list)(Visitor *v, GenericList *tail, size_t size);
    void (*end_list)(Visitor *v, void **list);

    bool (*start_alternate)(Visitor *v, const char *name,
                            GenericAlternate **obj, size_t size,
                            Error **errp);
    void (*end_alternate)(Visitor *v, void **obj);

    void (*optional)(Visitor *v, const char *name, bool *present);

    bool (*type_int64)(Visitor *v, const char *name, int64_t *obj,
                       Error **errp);
    bool (*type_uint64)(Visitor *v, const char *name, uint64_t *obj,
                        Error **errp);
    bool (*type_size)(Visitor *v, const char *name, uint64_t *obj,
                      Error **errp);
    bool (*type_bool)(Visitor *v, const char *name, bool *obj, Error **errp);
    bool (*type_number)(Visitor *v, const char *name, double *obj,
                        Error **errp);
    bool (*type_str)(Visitor *v, const char *name, char **obj, Error **errp);
    bool (*type_any)(Visitor *v, const char *name, struct json_object **obj,
                     Error **errp);
    bool (*type_null)(Visitor *v, const char *name, struct json_object **obj,
                      Error **errp);

    /* The whole path of a member, to be freed; NULL where there is none. */
    char *(*full_name)(const Visitor *v, const char *name);
    void (*complete)(Visitor *v, void *opaque);
    void (*free)(Visitor *v);
} VisitorOps;

/* Each visitor begins with this. */
struct Visitor {
    const VisitorOps *ops;
};

#endif /* QAPI_VISITOR_INTERNAL_H */
