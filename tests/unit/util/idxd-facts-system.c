/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The numbers of the system's linux/idxd.h: this file is compiled without the
 * folder that has ours.
 */
#include "qemu/osdep.h"

#include <linux/idxd.h>

#include "idxd-facts.h"

static const IdxdFact facts[] = { IDXD_FACTS };

const IdxdFact *idxd_facts_system(size_t *nr)
{
    *nr = ARRAY_SIZE(facts);
    return facts;
}

void idxd_bits_system(uint8_t desc[64], uint8_t record[32])
{
    const struct dsa_hw_desc d = IDXD_BITS_INIT;
    const struct dsa_completion_record r = IDXD_RECORD_INIT;

    memcpy(desc, &d, sizeof(d));
    memcpy(record, (const void *)&r, sizeof(r));
}
