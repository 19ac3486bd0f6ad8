/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compiler attributes and small macros under the names QEMU gives them.
 *
 * The TSA_ macros are clang's thread-safety analysis (-Wthread-safety);
 * with other compilers they are empty.
 */
#ifndef QEMU_COMPILER_H
#define QEMU_COMPILER_H

#include <stddef.h>

#ifndef likely
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define QEMU_PACKED __attribute__((packed))
#define QEMU_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define QEMU_ALWAYS_INLINE inline __attribute__((always_inline))
#define QEMU_NONNULL __attribute__((nonnull))
#define QEMU_SENTINEL __attribute__((sentinel))
#define QEMU_WARN_UNUSED_RESULT __attribute__((warn_unused_result))

#define glue_(a, b) a##b
#define glue(a, b) glue_(a, b)
#define stringify_(x) #x
#define stringify(x) stringify_(x)

/* A variable's name that is new at each line a macro is used on. */
#define MAKE_IDENTIFIER(prefix) glue(prefix, __LINE__)

/* Refuse to compile when @cond holds. */
#define QEMU_BUILD_BUG_MSG(cond, text) _Static_assert(!(cond), text)
#define QEMU_BUILD_BUG_ON(cond) QEMU_BUILD_BUG_MSG(cond, "not expecting: " #cond)
/* The same as an expression of value 0. */
#define QEMU_BUILD_BUG_ON_ZERO(cond) \
    (sizeof(struct { int not_expecting : (cond) ? -1 : 1; }) - sizeof(int))

#define sizeof_field(type, field) sizeof(((type *)0)->field)
#define typeof_field(type, field) typeof(((type *)0)->field)

/* The object of @type whose @member @ptr points at. */
#ifndef container_of
#define container_of(ptr, type, member) ({ \
        const typeof_field(type, member) *mptr_ = (ptr); \
        (type *)((char *)mptr_ - offsetof(type, member)); })
#endif

#ifdef __clang__
#define TSA_(x) __attribute__((x))
#else
#define TSA_(x)
#endif

/* On a type: values of it can be held. */
#define TSA_CAPABILITY(name) TSA_(capability(name))
/*
 * On a field: touch it only while holding the lock.  A note for readers: in
 * C, clang 14 cannot look up the lock's name in a struct still being read.
 */
#define TSA_GUARDED_BY(lock)
#define TSA_PT_GUARDED_BY(lock)
/* On a function: who holds what before, during and after the call. */
#define TSA_REQUIRES(...) TSA_(requires_capability(__VA_ARGS__))
#define TSA_EXCLUDES(...) TSA_(locks_excluded(__VA_ARGS__))
#define TSA_ACQUIRE(...) TSA_(acquire_capability(__VA_ARGS__))
#define TSA_TRY_ACQUIRE(...) TSA_(try_acquire_capability(__VA_ARGS__))
#define TSA_RELEASE(...) TSA_(release_capability(__VA_ARGS__))
#define TSA_ASSERT(...) TSA_(assert_capability(__VA_ARGS__))
/* On a function whose locking the analysis cannot follow; say why there. */
#define TSA_NO_TSA TSA_(no_thread_safety_analysis)

#endif /* QEMU_COMPILER_H */
