/*
 * path — what stands behind MAIL FROM: and RCPT TO: (RFC 5321 §4.1.2), read strictly: a receiver that is generous here
 * would hide a sender's faults.
 */
#pragma once

#include "base/text.h"

/*
 * Reads "<path> parameters". *address is without the brackets, and empty for <>; *parameters is what follows, without
 * the space. Source routes are refused, quoted local-parts are taken, other octets than ASCII only where `utf8`.
 */
MUST_USE bool path_read(struct text text, bool utf8, struct text *address, struct text *parameters);

/* A domain, or an address literal, as EHLO and a path have it. */
MUST_USE bool path_is_domain(struct text domain, bool utf8);
