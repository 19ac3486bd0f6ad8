/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that writes the folders of tls-certs.h, for tests in Python.
 */
#include "qemu/osdep.h"
#include "tls-certs.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: tls-certs FOLDER\n");
        return 2;
    }
    tls_certs_write(argv[1]);
    return 0;
}
