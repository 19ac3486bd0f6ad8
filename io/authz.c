/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may connect; see io/authz.h.
 *
 * Entered by the main thread.  One identity is a list with one rule.  A file is
 * looked at each time somebody is to be let in, which is rare enough.
 */
#include "qemu/osdep.h"
#include <sys/stat.h>
#include "io/authz.h"
#include "qapi/clone-visitor.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-authz.h"

/* Far more than a list that somebody has written. */
#define FILE_MAX_BYTES (4 * 1024 * 1024)

struct AuthZ {
    gint refcount;              /* atomic */
    /* set once */
    char *id;
    char *filename;             /* NULL: the rules are the object's own */
    bool refresh;

    AuthZListProperties *list;
    /* of the file that @list is from */
    struct timespec mtime;
    ino_t ino;
    off_t size;
};

static void authz_note_file(AuthZ *authz, const struct stat *st)
{
    authz->mtime = st->st_mtim;
    authz->ino = st->st_ino;
    authz->size = st->st_size;
}

static bool authz_file_is_same(const AuthZ *authz, const struct stat *st)
{
    return authz->list && authz->ino == st->st_ino &&
           authz->size == st->st_size &&
           authz->mtime.tv_sec == st->st_mtim.tv_sec &&
           authz->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static AuthZListProperties *authz_parse(const AuthZ *authz, const char *text,
                                        Error **errp)
{
    ERRP_GUARD();
    AuthZListProperties *list = NULL;
    g_autoptr(Visitor) v = NULL;

    if (*text == '{') {
        v = json_input_visitor_new_str(text, NULL, errp);
        if (v) {
            visit_type_AuthZListProperties(v, NULL, &list, errp);
        }
    } else {
        error_setg(errp, "it must begin with '{'");
    }
    if (!list) {
        error_prepend(errp, "object '%s': '%s' is no list of rules in JSON: ",
                      authz->id, authz->filename);
    }
    return list;
}

static bool authz_load(AuthZ *authz, Error **errp)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) gerr = NULL;
    AuthZListProperties *list;
    struct stat st;

    if (stat(authz->filename, &st) < 0) {
        error_setg_errno(errp, errno, "object '%s': cannot read '%s'",
                         authz->id, authz->filename);
        return false;
    }
    if (authz_file_is_same(authz, &st)) {
        return true;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
        error_setg(errp, "object '%s': '%s' is no file of at most %d bytes",
                   authz->id, authz->filename, FILE_MAX_BYTES);
        return false;
    }
    if (!g_file_get_contents(authz->filename, &text, NULL, &gerr)) {
        error_setg(errp, "object '%s': %s", authz->id, gerr->message);
        return false;
    }
    list = authz_parse(authz, g_strchug(text), errp);
    if (!list) {
        return false;
    }
    qapi_free_AuthZListProperties(authz->list);
    authz->list = list;
    authz_note_file(authz, &st);
    return true;
}

static void authz_set_simple(AuthZ *authz, const char *identity)
{
    QAuthZListRule *rule = g_new0(QAuthZListRule, 1);

    rule->match = g_strdup(identity);
    rule->policy = QAUTHZ_LIST_POLICY_ALLOW;
    authz->list = g_new0(AuthZListProperties, 1);
    authz->list->has_rules = true;
    authz->list->rules = g_new0(QAuthZListRuleList, 1);
    authz->list->rules->value = rule;
}

AuthZ *authz_new(const ObjectOptions *options, Error **errp)
{
    g_autoptr(AuthZ) authz = g_new0(AuthZ, 1);

    g_atomic_int_set(&authz->refcount, 1);
    authz->id = g_strdup(options->id);
    switch (options->qom_type) {
    case OBJECT_TYPE_AUTHZ_SIMPLE:
        authz_set_simple(authz, options->u.authz_simple.identity);
        break;
    case OBJECT_TYPE_AUTHZ_LIST:
        authz->list = QAPI_CLONE(AuthZListProperties, &options->u.authz_list);
        break;
    case OBJECT_TYPE_AUTHZ_LIST_FILE:
        authz->filename = g_strdup(options->u.authz_list_file.filename);
        authz->refresh = !options->u.authz_list_file.has_refresh ||
                         options->u.authz_list_file.refresh;
        if (!authz_load(authz, errp)) {
            return NULL;
        }
        break;
    default:
        g_assert_not_reached();
    }
    return g_steal_pointer(&authz);
}

AuthZ *authz_ref(AuthZ *authz)
{
    g_atomic_int_inc(&authz->refcount);
    return authz;
}

void authz_unref(AuthZ *authz)
{
    if (authz && g_atomic_int_dec_and_test(&authz->refcount)) {
        qapi_free_AuthZListProperties(authz->list);
        g_free(authz->filename);
        g_free(authz->id);
        g_free(authz);
    }
}

static bool authz_rule_matches(const QAuthZListRule *rule,
                               const char *identity)
{
    if (rule->has_format && rule->format == QAUTHZ_LIST_FORMAT_GLOB) {
        return g_pattern_match_simple(rule->match, identity);
    }
    return g_str_equal(rule->match, identity);
}

static QAuthZListPolicy authz_decide(const AuthZListProperties *list,
                                     const char *identity)
{
    for (const QAuthZListRuleList *l = list->rules; l; l = l->next) {
        if (authz_rule_matches(l->value, identity)) {
            return l->value->policy;
        }
    }
    return list->has_policy ? list->policy : QAUTHZ_LIST_POLICY_DENY;
}

bool authz_is_allowed(AuthZ *authz, const char *identity, Error **errp)
{
    if (authz->filename && authz->refresh && !authz_load(authz, errp)) {
        return false;
    }
    if (authz_decide(authz->list, identity) == QAUTHZ_LIST_POLICY_ALLOW) {
        return true;
    }
    error_setg(errp, "object '%s' does not let '%s' in", authz->id, identity);
    return false;
}
