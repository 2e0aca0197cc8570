/*
 * audit — who did what, when and from where: one entry for each change that a key made.
 *
 * One life: a PATCH shows the resource as it was (audit_before); behind the handler of whatever writes, audit_write() asks
 * that the entry be kept, in the transaction of the change: it is there exactly if the change is. A change to a customer's
 * things is the customer's entry, whoever made it; what belongs to none is the operators'. The fields follow OCSF's class
 * API Activity.
 *
 * An entry holds names and ids, and of a PATCH the fields that changed. What is secret is shown by no resource, and so by
 * no entry; what a message says is in none either.
 */
#pragma once

#include <jansson.h>

struct request;

/* The resource that is about to be patched; borrowed for the call. */
void audit_before(struct request *request, const json_t *json);
/* The handler answered and the act is open: asks for the entry. */
void audit_write(struct request *request);
void audit_free(struct request *request); /* what audit_before() kept */
