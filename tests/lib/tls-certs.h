/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folders of TLS credentials for tests, good ones and ones with a single fault.
 * Failures end the test.
 *
 * Threads: any, one at a time.
 */
#ifndef TESTS_LIB_TLS_CERTS_H
#define TESTS_LIB_TLS_CERTS_H

/* The identity of the client's certificate, as an AuthZ sees it. */
#define TLS_CERTS_CLIENT_DN "C=XX,O=Wherry Tests,CN=client.example"

/* What the good server's certificate is for, besides 127.0.0.1 and ::1. */
#define TLS_CERTS_SERVER_NAME "server.example"

/* The user whose key keys.psk has. */
#define TLS_CERTS_PSK_USER "qemu"

/**
 * tls_certs_write:
 * @dir: an existing folder
 *
 * Makes a folder in it for each case, under these names.  Each has all files
 * of `good` but for what its name says:
 *
 * good, chain (the server's CA is signed by that in ca-cert.pem), other-host,
 * expired, not-yet, other-ca, wrong-purpose, wrong-usage, ca-not-a-ca,
 * ca-no-sign, ca-expired, not-signed, key-mismatch, encrypted-key, garbage,
 * empty, revoked (with a list of revoked certificates), server-is-ca,
 * no-client-cert, no-ca, no-key, psk-other, psk-bad, psk-no-user.
 */
void tls_certs_write(const char *dir);

#endif
