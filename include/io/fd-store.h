/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that somebody outside has handed over: under a name (getfd), or
 * in a numbered set (add-fd, -add-fd) that /dev/fdset/N opens from as often as
 * wanted.
 *
 * Threads: any; each call takes the store's own lock, a leaf.  All descriptors
 * of a store are close-on-exec.
 */
#ifndef IO_FD_STORE_H
#define IO_FD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

typedef struct Error Error;
typedef struct FdStore FdStore;

/* What file names begin with that mean a set. */
#define FD_STORE_SET_PREFIX "/dev/fdset/"

/* One descriptor of a set, as fd_store_foreach() shows it. */
typedef struct FdStoreEntry {
    int64_t fdset_id;
    int fd;                 /* stays the store's */
    const char *opaque;     /* what its giver calls it, or NULL */
} FdStoreEntry;

/* Called under the store's lock. */
typedef void FdStoreFunc(const FdStoreEntry *entry, void *opaque);

/**
 * fd_store_new:
 *
 * Context: any thread.
 * Returns: an empty store, to be freed with fd_store_free()
 */
FdStore *fd_store_new(void);

/**
 * fd_store_free:
 * @store: a store that nobody uses any more, or NULL
 *
 * Closes all that nobody took.
 * Context: any thread.
 */
void fd_store_free(FdStore *store);

/**
 * fd_store_add:
 * @store: a store
 * @name: what fd_store_take() will ask for; copied; must not begin with a
 *        digit, which is for numbers
 * @fd: the store's from now on, also on failure, when it is closed
 * @errp: where to put the reason, or NULL
 *
 * A descriptor that has the name already is closed.
 * Context: any thread.
 * Returns: false when the name cannot be one
 */
bool fd_store_add(FdStore *store, const char *name, int fd, Error **errp);

/**
 * fd_store_close:
 * @store: a store
 * @name: as given to fd_store_add()
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: false when there is none of that name
 */
bool fd_store_close(FdStore *store, const char *name, Error **errp);

/**
 * fd_store_take:
 * @store: a store; NULL is an empty one
 * @name: a name; or, when it begins with a digit, the number of a descriptor:
 *        one that this process was started with, or one of a set (a duplicate
 *        is returned then)
 * @errp: where to put the reason, or NULL
 *
 * A name leaves the store.  A number means each descriptor once: what is
 * returned is close-on-exec, and those are not found by their number.
 * Context: any thread.
 * Returns: the descriptor, the caller's to close; -1 when there is none
 */
int fd_store_take(FdStore *store, const char *name, Error **errp);

/**
 * fd_store_dup_inherited:
 * @fd: a number
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: a duplicate of a descriptor that this process was started with, the
 *          caller's to close; -1 when @fd is none of those
 */
int fd_store_dup_inherited(int fd, Error **errp);

/**
 * fd_store_close_inherited:
 * @fd: as given to fd_store_dup_inherited()
 *
 * Closes the original; nothing is done when that has happened already.
 * Context: the main thread, before there are others.
 */
void fd_store_close_inherited(int fd);

/**
 * fd_store_add_to_set:
 * @store: a store
 * @fdset_id: which set; it is made if there is none.  Negative: the lowest
 *            number that is not a set
 * @fd: the store's from now on
 * @opaque: what its giver calls it, copied, or NULL
 *
 * Context: any thread.
 * Returns: the number of the set
 */
int64_t fd_store_add_to_set(FdStore *store, int64_t fdset_id, int fd,
                            const char *opaque);

/**
 * fd_store_remove_from_set:
 * @store: a store
 * @fdset_id: which set
 * @fd: which of its descriptors; negative: all of them
 * @errp: where to put the reason, or NULL
 *
 * Closes it.  Duplicates made before stay.  A set without descriptors is none.
 * Context: any thread.
 * Returns: false when there is no such set or descriptor
 */
bool fd_store_remove_from_set(FdStore *store, int64_t fdset_id, int64_t fd,
                              Error **errp);

/**
 * fd_store_open_set:
 * @store: a store; NULL is an empty one
 * @fdset_id: which set
 * @flags: of open(2); O_RDONLY, O_WRONLY or O_RDWR, perhaps O_DIRECT; others
 *         do not matter
 * @errp: where to put the reason, or NULL
 *
 * Finds the descriptor of the set whose access mode and O_DIRECT are those of
 * @flags; one for both reading and writing fits O_RDWR only.  The duplicate
 * shares its file position and flags.
 * Context: any thread.
 * Returns: a duplicate, the caller's to close; -1 when there is none
 */
int fd_store_open_set(FdStore *store, int64_t fdset_id, int flags,
                      Error **errp);

/**
 * fd_store_foreach:
 * @store: a store
 * @func: called for each descriptor of each set; must not use the store
 * @opaque: handed to @func
 *
 * As QEMU has it: sets come by falling number, in them what came first.
 * Context: any thread.
 */
void fd_store_foreach(FdStore *store, FdStoreFunc *func, void *opaque);

/**
 * fd_store_name_is_number:
 * @name: what stands behind "fd:"
 *
 * Context: any thread.
 * Returns: whether fd_store_take() takes it for a number
 */
bool fd_store_name_is_number(const char *name);

/**
 * fd_store_parse_set:
 * @path: a file name
 * @fdset_id: where to put the number of the set
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: 1 when @path means a set, 0 when it does not, -1 when it is
 *          FD_STORE_SET_PREFIX without a number behind it
 */
int fd_store_parse_set(const char *path, int64_t *fdset_id, Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FdStore, fd_store_free)

#endif
