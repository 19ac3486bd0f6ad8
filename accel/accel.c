/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of accelerators.
 *
 * Constant, callable from any thread.  What an accelerator does is in the
 * file of its name.
 */
#include "qemu/osdep.h"

#include "accel/accel.h"

static const AccelOps *const accel_table[] = {
    &accel_none,
#ifdef CONFIG_KVM
    &accel_kvm,
#endif
    &accel_stress,
    &accel_qtest,
};

const AccelOps *accel_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(accel_table); i++) {
        if (g_str_equal(accel_table[i]->name, name)) {
            return accel_table[i];
        }
    }
    return NULL;
}

const AccelOps *accel_at(unsigned index)
{
    return index < ARRAY_SIZE(accel_table) ? accel_table[index] : NULL;
}

void accel_free(Accel *accel)
{
    if (accel) {
        accel->ops->destroy(accel);
    }
}
